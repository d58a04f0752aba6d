"""The part of kustomize that the overlays keep to: resources, namespace, images, two patches.

A patch with a target is a list of JSON Patch operations, one without is merged by kind and name.
Whatever else a kustomization says is refused, so that nothing is read otherwise than it is built.
"""

from pathlib import Path
from typing import Any

import jsonpatch
import yaml

Manifest = dict[str, Any]
KNOWN = {"apiVersion", "kind", "namespace", "resources", "images", "patches"}
CLUSTER_WIDE = {"Namespace"}


def build(folder: Path) -> list[Manifest]:
    """Give the manifests of a kustomization, in the order of its resources.

    Raises:
        ValueError: where it says something that is not known here.
    """
    told = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    if unknown := told.keys() - KNOWN:
        message = f"a kustomization may have {sorted(KNOWN)}, got {sorted(unknown)} ({folder})"
        raise ValueError(message)
    manifests = [one for name in told["resources"] for one in _read(folder / name)]
    for patch in told.get("patches", []):
        manifests = _patched(manifests, patch, folder)
    for one in manifests:
        if "namespace" in told and one["kind"] not in CLUSTER_WIDE:
            one["metadata"]["namespace"] = told["namespace"]
    for image in told.get("images", []):
        _rename(manifests, image)
    return manifests


def _read(path: Path) -> list[Manifest]:
    if path.is_dir():
        return build(path.resolve())
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]


def _patched(manifests: list[Manifest], patch: Manifest, folder: Path) -> list[Manifest]:
    operations = yaml.safe_load((folder / patch["path"]).read_text(encoding="utf-8"))
    if target := patch.get("target"):
        meant = (target["kind"], target["name"])
        apply = jsonpatch.JsonPatch(operations).apply
    else:
        meant = _name(operations)
        apply = _merging(operations)
    if meant not in map(_name, manifests):
        message = f"a patch must have a resource to change, got none for {meant} ({folder})"
        raise ValueError(message)
    return [apply(one) if _name(one) == meant else one for one in manifests]


def _name(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def _merging(patch: Manifest) -> Any:
    def merge(old: Any, new: Any) -> Any:
        if isinstance(new, list):
            message = f"a merged patch may have no lists, got {new}"
            raise TypeError(message)
        if not isinstance(new, dict):
            return new
        return {**old, **{key: merge(old.get(key, {}), value) for key, value in new.items()}}

    return lambda manifest: merge(manifest, patch)


def _rename(part: Any, image: dict[str, str]) -> None:
    """Change the images of containers, wherever they are."""
    for inner in (
        part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    ):
        _rename(inner, image)
    if isinstance(part, dict) and part.get("image", "").partition(":")[0] == image["name"]:
        part["image"] = f"{image['newName']}:{image['newTag']}"
