"""A function gives the same of a record that is cut down to what its bytecode looks at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gearframe
from tests.property import gears_functions
from tests.property.gears_functions import Source, differences

PYTHONS = [
    Path(sys.executable),
    *sorted(Path("~/.pyenv/versions").expanduser().glob("3.1[1234]*/bin/python")),
]


@st.composite
def sources(draw: st.DrawFn) -> str:
    def choose(some: list[Any]) -> Any:
        return draw(st.sampled_from(some))

    return Source(choose).function()


# Neither deadline nor health checks: they measure the machine.
@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(sources())
def test_narrowed_records_do_not_show(source: str) -> None:
    assert differences(source) == []


@pytest.mark.parametrize("python", PYTHONS, ids=lambda path: path.parts[-3])
def test_in_every_python_of_the_machine(python: Path) -> None:
    package = Path(gearframe.__file__).parents[1]
    done = subprocess.run(
        [python, gears_functions.__file__, package, "7", "500"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # If nearly nothing were narrowed, this would show nothing.
    assert float(done.stdout) > 0.15
