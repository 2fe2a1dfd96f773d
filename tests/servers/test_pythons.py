"""Environments of other Pythons are what they say."""

from __future__ import annotations

import subprocess

import pytest

from tests.servers import pythons
from tests.servers.pythons import OTHERS, RUNNING, Environment, find, pytest_report_header

PROGRAM = """
import sys, cloudpickle, numpy, polars, gearframe
print(f"{sys.version_info[0]}.{sys.version_info[1]}", polars.__version__, gearframe.__file__)
"""


def test_environments_have_the_packages_and_this_tree(environments: list[Environment]) -> None:
    assert [each.minor for each in environments] == [minor for minor in OTHERS if find(minor)]
    for each in environments:
        ran = subprocess.run(
            [each.python, "-c", PROGRAM], capture_output=True, text=True, check=True
        )
        minor, _, file = ran.stdout.split()
        assert minor == each.minor
        assert file == str(pythons.ROOT / "python" / "gearframe" / "__init__.py")


def test_header_names_every_minor() -> None:
    header = pytest_report_header()
    assert header.startswith(f"embedded Pythons: {RUNNING}.")
    for minor in OTHERS:
        assert minor in header


def test_a_python_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PYENV_ROOT", "/nowhere")
    assert find.__wrapped__("3.12") is None
