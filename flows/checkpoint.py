"""The commands ``pulselake checkpoint``: a released file into a checkpoint, and its card."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flows.config import without_secrets
from flows.show import say
from models.card import NOT_STATED, Card

checkpoint = typer.Typer(help="Checkpoints of models and their cards.", no_args_is_help=True)

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


@checkpoint.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="Released checkpoint: UniCardio's .pth file, or the folder of LaViDa-LLaDA (or "
            "its index, or its only .safetensors file)."
        ),
    ],
    out: Annotated[Path, typer.Argument(help="The .safetensors file to write; its card beside.")],
    licence: Annotated[str, typer.Option(help="What its authors allow.")] = NOT_STATED,
    origin: Annotated[
        str | None, typer.Option(help="Where it is from; by default the name of FILE.")
    ] = None,
    json: _Json = False,
) -> None:
    """Make a checkpoint of a released file; nothing that is in the file is run."""
    from models.lavida.released import import_lavida
    from models.lavida.released_files import looks_released
    from models.unicardio.released import import_released

    into_ours = import_lavida if looks_released(file) else import_released
    _show(into_ours(file, out, licence=licence, origin=origin), str(out), as_json=json)


@checkpoint.command("judged")
def judged(
    file: Annotated[Path, typer.Argument(help="A .safetensors file of TriCardio.")],
    result: Annotated[Path, typer.Argument(help="What `pulselake evaluate --out` wrote.")],
    json: _Json = False,
) -> None:
    """Put an evaluation's figures into the card of the checkpoint that it judged."""
    from flows.judged import put_judgement

    _show(put_judgement(file, result), str(file), as_json=json)


@checkpoint.command("show")
def show(
    file: Annotated[str, typer.Argument(help="Path or fsspec URL of a .safetensors file.")],
    json: _Json = False,
) -> None:
    """Print the card of a checkpoint, once the file has been checked against it."""
    from models.checkpoint import card_alone, read_card
    from models.lavida.released import is_release, read_lavida_released
    from models.tricardio.architecture import ARCHITECTURE as TRICARDIO
    from models.tricardio.checkpoint import read_tricardio
    from models.unicardio.released import ARCHITECTURE as UNICARDIO
    from models.unicardio.released import read_unicardio

    told = card_alone(without_secrets(file))
    if told.architecture == UNICARDIO:
        card, _ = read_unicardio(file)
    elif told.architecture == TRICARDIO:
        card = read_tricardio(file).card
    elif is_release(told):
        card, _ = read_lavida_released(file)
    else:
        card = read_card(file)
    _show(card, file, as_json=json)


def _show(card: Card, file: str, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(card.model_dump_json() + "\n")
        return
    console = Console()
    say(console, f"{card.model_id}, {file}", style="bold")
    for field, value in card:
        say(console, f"{field}: {value if isinstance(value, str) else json.dumps(value)}")
