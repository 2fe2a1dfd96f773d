"""The gearframe commands in the README and the guides are ones that there are."""

from __future__ import annotations

import re
import shlex

import pytest

from gearframe.cli.app import app
from tests.docs.test_markdown import ROOT

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^    (gearframe .*)$", re.MULTILINE)


def lines() -> list[str]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]
    found: list[str] = []
    for text in (page.read_text() for page in pages):
        found += INDENTED.findall(text)
        for block in BLOCK.findall(text):
            found += [line for line in block.splitlines() if line.startswith("gearframe ")]
    return found


@pytest.mark.parametrize("line", lines())
def test_the_command_is_understood(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    if ">" in words:  # into a file
        words = words[: words.index(">")]
    command, *_ = app.parse_args(words, exit_on_error=False, print_error=False)
    assert command.__module__.startswith("gearframe.cli")


def test_there_are_commands_of_gears() -> None:
    assert "gearframe gears ps" in lines()
