"""Whether IAM policies allow a request: the part of AWS's rules that ours keep to.

A request is allowed where a statement allows it and none denies it. Whatever else a policy says is
refused, so that nothing is taken for allowed that has not been understood.
"""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qsl

KNOWN = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringLike": fnmatchcase,
    "Bool": operator.eq,
}


@dataclass(frozen=True)
class Asked:
    """An action on a resource, and what conditions may ask of it."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict, hash=False)


def allowed(asked: Asked, policies: Sequence[Mapping[str, Any]]) -> bool:
    """Evaluate the statements of all policies together."""
    statements = [one for policy in policies for one in policy["Statement"]]
    effects = {one["Effect"] for one in statements if _concerns(one, asked)}
    return effects == {"Allow"}


def asked_by(method: str, target: str) -> Asked:
    """Name what an S3 request of a method and a target (path and query, unescaped) asks.

    Raises:
        ValueError: where it is none that a night makes.
    """
    path, _, query = target.partition("?")
    bucket, _, key = path.strip("/").partition("/")
    told = dict(parse_qsl(query, keep_blank_values=True))
    on_bucket, on_key = f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/{key}"
    if method == "GET" and not key and "location" in told:
        return Asked("s3:GetBucketLocation", on_bucket)
    if method == "GET" and not key:
        return Asked("s3:ListBucket", on_bucket, {"s3:prefix": told.get("prefix", "")})
    if method == "HEAD" and not key:
        return Asked("s3:ListBucket", on_bucket)
    by_method = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "DELETE": "Delete"}
    if key and method in by_method:
        return Asked(f"s3:{by_method[method]}Object", on_key)
    if key and method == "POST":
        return Asked("s3:PutObject", on_key)
    message = f"a night must ask for objects and lists, got {method} {target}"
    raise ValueError(message)


def _concerns(statement: Mapping[str, Any], asked: Asked) -> bool:
    if unknown := statement.keys() - KNOWN:
        message = f"a statement may have {sorted(KNOWN)}, got {sorted(unknown)}"
        raise ValueError(message)
    return (
        any(fnmatchcase(asked.action, one) for one in _many(statement["Action"]))
        and any(fnmatchcase(asked.resource, one) for one in _many(statement["Resource"]))
        and all(_meets(statement.get("Condition", {}), asked))
    )


def _meets(conditions: Mapping[str, Mapping[str, Any]], asked: Asked) -> Iterator[bool]:
    """A key that the request does not have meets no condition."""
    for name, keys in conditions.items():
        for key, values in keys.items():
            told = asked.context.get(key)
            yield told is not None and any(OPERATORS[name](told, one) for one in _many(values))


def _many(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
