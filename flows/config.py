"""What a run is told: one frozen model a flow, the same names on the command line and in TOML."""

import os
import re
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from flows.annotators import AnnotatorName
from flows.paths import absolute
from flows.restorers import RestorerConfig
from flows.secret_names import HIDDEN_WORDS
from ops.deidentify import KEY_VARIABLE, Deidentifier, deidentifier
from ops.lake import Lake
from ops.reference.readings import MOST_AGE_S
from ops.source import Source
from schemas.modality import MODALITIES, Modality

SECRET: Final = re.compile(rf"{HIDDEN_WORDS}|sig(nature)?$|key$", re.IGNORECASE)
"""What the name of a secret looks like."""
_FIRST: Final = ("source", "lake", "dataset")


def without_secrets(url: str) -> str:
    """Give back a URL that holds no password: it is written to the lake and shown.

    Raises:
        ValueError: where it holds one, also in a link of a chain or in its query.
    """
    for link in url.split("::"):
        parts = urlsplit(link)
        queried = [name for name, _ in parse_qsl(parts.query) if SECRET.search(name)]
        if "://" in link and (parts.password is not None or queried):
            what = f"a secret ({queried[0]})" if queried else "a password"
            message = (
                f"the URL of {parts.hostname} holds {what}; give it by the environment instead"
            )
            raise ValueError(message)
    return url


def local_file(text: str) -> str:
    """Make a file's path absolute.

    Raises:
        ValueError: where it is a URL, a folder, or nothing.
    """
    path = Path(text).expanduser().resolve()
    if "://" in text or not text.strip() or path.is_dir():
        message = f"a page goes to a local file, got {text!r}"
        raise ValueError(message)
    return str(path)


def _first_things_first(schema: dict[str, Any]) -> None:
    """Number the options as a form is to show them: what is meant first, then how it is done."""
    options = schema["properties"]
    there = [name for name in _FIRST if name in options]
    for position, name in enumerate(there + [name for name in options if name not in _FIRST]):
        options[name]["position"] = position


class PlaceConfig(BaseModel):
    """Which lake is meant."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra=_first_things_first,
    )

    lake: str = Field(description="Folder or fsspec URL of the lake.")

    @field_validator("lake")
    @classmethod
    def _lake_has_a_place(cls, text: str) -> str:
        return Lake(without_secrets(text)).url


class LakeConfig(PlaceConfig):
    """What every flow on a lake needs."""

    dataset: str = Field("", description="Name of the archive in the lake; by default all.")
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=0,
        description="Ray actors at work at once; 0 does the work in this process, without Ray.",
    )
    ray_address: str | None = Field(
        None, description="A running Ray cluster; without one, a local cluster is started."
    )
    attempts: int = Field(3, ge=1, description="Tries before a record or shard is quarantined.")
    commit_every_s: float = Field(
        3.0, ge=0, description="Seconds between commits of what has been finished."
    )

    @field_validator("ray_address")
    @classmethod
    def _address_without_secrets(cls, url: str | None) -> str | None:
        return url and without_secrets(url)


class IngestConfig(LakeConfig):
    """Records of a source into windows of a lake."""

    source: str = Field(description="Folder or fsspec URL of a WFDB archive.")
    dataset: str = Field(
        "",
        description="Name of the archive in the lake; by default the source's last folder, which a "
        "de-identified lake does not take over.",
    )
    deidentify: bool = Field(
        False,
        description="Replace subjects, records and dates by keyed hashes and shifts, and drop free "
        "text; the dataset has to be named.",
    )
    # In no schema: Prefect keeps what its forms are given, and refuses what they don't have.
    deid_key: SkipJsonSchema[SecretStr | None] = Field(
        None, description=f"Key of those hashes; better in {KEY_VARIABLE}."
    )
    subjects: str | None = Field(
        None,
        description="Path or fsspec URL of the site's own table of subjects, CSV or Parquet: "
        "subject_id and any of care_unit, sex, age_years, race, skin_tone.",
    )
    anonymous: bool = Field(False, description="Read the source without credentials.")
    scratch: str | None = Field(
        None, description="Folder for files being read; by default the system's."
    )

    @field_validator("subjects")
    @classmethod
    def _subjects_have_a_place(cls, path: str | None) -> str | None:
        if path is None:
            return None
        return absolute(without_secrets(path) if "://" in path else path)

    @model_validator(mode="before")
    @classmethod
    def _source_and_dataset(cls, fields: Any) -> Any:
        """Make a local source absolute, and name the dataset by its last folder."""
        if not isinstance(fields, dict) or not fields.get("source"):
            return fields
        source = absolute(without_secrets(str(fields["source"])))
        dataset = fields.get("dataset")
        if not dataset and fields.get("deidentify"):
            message = (
                "a de-identified lake does not take the source's folder for the dataset's name, "
                "since it may name a patient: give the dataset a name"
            )
            raise ValueError(message)
        dataset = dataset or PurePosixPath(source.partition("://")[2] or source).name
        return {**fields, "source": source, "dataset": dataset}

    @model_validator(mode="after")
    def _deidentified_with_a_key(self) -> Self:
        if self.deidentify:
            self.deidentifier()
        return self

    def open_source(self) -> Source:
        """Give the archive to read; nothing is opened before its first call."""
        return Source(self.source, {"anon": True} if self.anonymous else {})

    def deidentifier(self) -> Deidentifier | None:
        """Make the keyed hashes of this run; null where identifiers are kept.

        Raises:
            ValueError: where ``deidentify`` is asked for and there is no key, or a weak one.
        """
        if not self.deidentify:
            return None
        return deidentifier(self.deid_key.get_secret_value() if self.deid_key else None)


class BackfillConfig(LakeConfig, RestorerConfig):
    """Windows of a lake into synthetic signals beside them."""

    translate: tuple[Modality, ...] = Field(
        ("abp",), description="Modalities to make where they are absent."
    )
    restore: tuple[Modality, ...] = Field(
        MODALITIES, description="Modalities to impute and denoise where they are there."
    )
    reference_max_age_s: float = Field(
        MOST_AGE_S,
        ge=0,
        description="Age of a cuff's or a line's reading, in seconds, from which on a model that "
        "goes by it makes no pressure.",
    )
    seed: int = Field(0, ge=0, description="Seed of the run; a window's own follows from its key.")

    @field_validator("checkpoint")
    @classmethod
    def _checkpoint_without_secrets(cls, url: str | None) -> str | None:
        return url and without_secrets(url)


class AuditConfig(BackfillConfig):
    """Windows with a good arterial line, filled as if they had none, into errors."""

    audit_per_subject: int = Field(
        24,
        ge=0,
        description="Windows of each subject's arterial line that are hidden from the model and "
        "filled, to see how wrong it is; 0 audits none.",
    )


class NightlyConfig(IngestConfig, AuditConfig):
    """A whole night: ingest, backfill and audit, and if asked for annotations and a report."""

    annotate: bool = Field(
        False, description="Annotate windows too, once they are filled: rhythm, quality and more."
    )
    annotator: AnnotatorName = Field(
        "lavida", description="What annotates them: the LaViDa that comes along, or rules alone."
    )
    report: str | None = Field(
        None, description="File to write the night's page to, as HTML; by default none."
    )

    @field_validator("report")
    @classmethod
    def _report_is_a_file(cls, text: str | None) -> str | None:
        return None if text is None else local_file(text)


def load_toml(path: Path) -> dict[str, Any]:
    """Read options from a TOML file; ``-`` and ``_`` in names are the same.

    Raises:
        ValueError: where the file is not there or no TOML.
    """
    if not path.is_file():
        message = f"config {path} is not there"
        raise ValueError(message)
    try:
        options = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        message = f"config {path} is no TOML: {error}"
        raise ValueError(message) from error
    return {name.replace("-", "_"): value for name, value in options.items()}
