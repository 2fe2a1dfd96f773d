"""Every Python block of the README and the guides runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    """Give each block with a name that says where it stands."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [
        (f"{page.relative_to(ROOT)}:{number}", text)
        for page in pages
        for number, text in enumerate(BLOCK.findall(page.read_text()))
    ]


@pytest.mark.parametrize(("name", "text"), blocks(), ids=[name for name, _ in blocks()])
def test_block_runs(name: str, text: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", text], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{name}\n{ran.stdout}{ran.stderr}"


def test_the_readme_has_an_example() -> None:
    assert blocks()[0][0] == "README.md:0"
