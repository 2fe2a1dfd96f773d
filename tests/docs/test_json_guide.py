"""The guide's example of JSON documents, which no embedded server can run, prints what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "reading.md"
EXAMPLE = re.compile(r"^```py\n(.*?JSON\.SET.*?)^```\n\n```text\n(.*?)^```", re.M | re.S)


def test_the_example_prints_what_it_says(json_url: str) -> None:
    [(code, output)] = EXAMPLE.findall(GUIDE.read_text())
    assert code.count("redis://localhost:6379") == 1
    code = code.replace("redis://localhost:6379", json_url)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.stderr) == (output, "")
