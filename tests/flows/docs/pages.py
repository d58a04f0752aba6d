"""The pages of the documentation, and the commands and blocks of code in them."""

import re
import shlex
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
SHELLS = {"sh", "bash", "shell", "console"}


def code_of(page: str, language: str) -> list[str]:
    """Give a page's fenced blocks in a language."""
    return [block for told, block in FENCED.findall(page) if told == language]


def commands_of(page: str) -> list[str]:
    """Give a page's shell commands: those of indented blocks, and of fenced ones in a shell."""
    fenced = [block for told, block in FENCED.findall(page) if told in SHELLS]
    lines = "\n".join([_indented(FENCED.sub("", page)), *fenced]).replace("\\\n", " ")
    found = (line.strip().removeprefix("$ ") for line in lines.splitlines())
    return [line for line in found if line and not line.startswith("#")]


def _indented(page: str) -> str:
    """Give the lines of blocks that are indented by four; one that begins with ``{`` is output."""
    blocks = re.split(r"\n[ \t]*\n", page)
    whole = [
        block
        for block in blocks
        if all(line.startswith("    ") for line in block.splitlines() if line)
        and not block.lstrip().startswith("{")
    ]
    return "\n".join(whole)


def words_of(command: str) -> list[str]:
    """Give a command's words, without variables set before it, comments and what comes after it."""
    words = shlex.split(command, comments=True)
    while words and re.fullmatch(r"[A-Z][A-Z0-9_]*=.*", words[0]):
        words = words[1:]
    return list(takewhile(lambda word: word not in {"|", "&&", ">", "<", ";", "&"}, words))


def section_of(page: str, title: str) -> str:
    """Give a section below its heading, to the next heading of its level or above."""
    level = re.search(rf"^(#+) {re.escape(title)}$", page, flags=re.MULTILINE)
    if level is None:
        message = f"the page has no section {title!r}"
        raise LookupError(message)
    rest = page[level.end() :]
    following = re.search(rf"^#{{1,{len(level[1])}}} ", rest, flags=re.MULTILINE)
    return rest[: following.start()] if following else rest
