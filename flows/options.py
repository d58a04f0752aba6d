"""A flow's config as command-line options: every field is one, by the same name."""

import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import typer
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from flows.annotate_config import AnnotateConfig
from flows.config import NightlyConfig, load_toml
from flows.json_lines import json_lines
from flows.upkeep_config import VacuumConfig
from flows.watching import VARIABLES, Watching, watched_by, watching

Config = TypeVar("Config", bound=BaseModel)
logger = logging.getLogger("pulselake")


def command_of(
    model: type[Config],
    run: Callable[[Config, bool, bool], None],
    arguments: tuple[str, ...],
    *,
    strict: bool = True,
    metrics: tuple[str, ...] = (),
) -> Callable[..., None]:
    """Make a typer command of a config: ``arguments`` are positional, other fields are options.

    A ``--config`` file gives what the command line leaves out. ``--json`` and ``--strict`` go to
    ``run`` as they are; ``--strict`` is no option where nothing can be in quarantine.
    ``--log-json``, and those ``metrics`` that a command has, hold while it runs.
    """

    def command(**given: Any) -> None:
        file, json, strictly = given.pop("config"), given.pop("json"), given.pop("strict", False)
        watch = {name: given.pop(name) for name in VARIABLES if name in given}
        config = build(model, given, file)
        with watched_by(watch), _logged():
            run(config, json, strictly)

    parameters = [
        _parameter(name, model.model_fields[name], name in arguments)
        for name in (*arguments, *(n for n in model.model_fields if n not in arguments))
    ]
    parameters += _COMMON if strict else [p for p in _COMMON if p.name != "strict"]
    parameters += [
        _parameter(name, Watching.model_fields[name], positional=False)
        for name in ("log_json", *metrics)
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__doc__ = model.__doc__
    return command


@contextmanager
def _logged() -> Iterator[None]:
    """Log JSON for the length of the block where it is asked for.

    Raises:
        typer.BadParameter: naming what the environment says wrongly.
    """
    try:
        asked = watching().log_json
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    with json_lines() if asked else nullcontext():
        try:
            yield
        except (typer.BadParameter, typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if not asked:
                raise
            logger.error("pulselake failed: %s", error)  # noqa: TRY400
            raise typer.Exit(1) from error


def build(model: type[Config], given: dict[str, Any], file: Path | None) -> Config:
    """Make a config of what was given, over what a TOML file says.

    Raises:
        typer.BadParameter: naming each option that is wrong.
    """
    said = {name: value for name, value in given.items() if value not in (None, [], ())}
    try:
        return model(**{**_own(model, load_toml(file) if file else {}), **said})
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in e['loc']) or 'config'}: {_plain(e['msg'])}"
            for e in error.errors(include_input=False)
        ]
        raise typer.BadParameter("; ".join(lines)) from error
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from error


def _own(model: type[BaseModel], options: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is an option of another flow: one file serves all commands."""
    of_any = {n for one in (NightlyConfig, AnnotateConfig, VacuumConfig) for n in one.model_fields}
    others = of_any - model.model_fields.keys()
    return {name: value for name, value in options.items() if name not in others}


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")


def _parameter(name: str, field: FieldInfo, positional: bool) -> inspect.Parameter:
    kind = typer.Argument if positional else typer.Option
    said = kind(help=_help(field), show_default=False)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[_option_type(field.annotation), said],
    )


def _help(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=False)
    told = (
        default not in (None, "", False)
        and not field.is_required()
        and "Undefined" not in repr(default)
    )
    shown = ", ".join(default) if isinstance(default, tuple) else default
    return f"{field.description or ''}" + (f" [default: {shown}]" if told else "")


def _option_type(annotation: Any) -> Any:
    """A type that typer knows, null where the option is left out."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return _option_type(next(a for a in get_args(annotation) if a is not type(None)))
    if origin is tuple:
        return list[str] | None
    if annotation is SecretStr or origin is Literal:
        return str | None
    return annotation | None


_COMMON = [
    inspect.Parameter(
        "config",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[
            Path | None, typer.Option(help="TOML file with any of these options.")
        ],
    ),
    inspect.Parameter(
        "json",
        inspect.Parameter.KEYWORD_ONLY,
        default=False,
        annotation=Annotated[
            bool, typer.Option("--json", help="Print one JSON object and nothing else.")
        ],
    ),
    inspect.Parameter(
        "strict",
        inspect.Parameter.KEYWORD_ONLY,
        default=False,
        annotation=Annotated[
            bool, typer.Option("--strict", help="Exit with 3 where anything is in quarantine.")
        ],
    ),
]
