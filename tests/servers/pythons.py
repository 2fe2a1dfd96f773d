"""The other Pythons of this machine, each with an environment for servers that embed it.

An environment is made once, in ``.cache/python-3.X``: the packages of ``requirements-dev.lock``
that code in a server is tried with, and this tree's ``gearframe``. Only Pythons that have their
shared library are taken, because no server can load another one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
MINORS = ("3.11", "3.12", "3.13", "3.14")
PACKAGES = ("polars", "polars-runtime-32", "cloudpickle", "numpy")

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
OTHERS = tuple(minor for minor in MINORS if minor != RUNNING)

PROBE = """
import platform, sys, sysconfig
print(f"{sys.version_info[0]}.{sys.version_info[1]}", platform.python_version(),
      sysconfig.get_config_var("Py_ENABLE_SHARED"))
"""


@dataclass(frozen=True)
class Python:
    """An interpreter of this machine."""

    minor: str
    version: str
    program: Path


@dataclass(frozen=True)
class Environment:
    """A virtual environment: what is given to the module as ``Python``."""

    minor: str
    version: str
    python: Path


@cache
def find(minor: str) -> Python | None:
    """Look for a Python on PATH and among pyenv's versions; the first that works is taken."""
    for program in _candidates(minor):
        # A shim of pyenv can be on PATH and fail: only what runs is there.
        ran = subprocess.run([program, "-c", PROBE], capture_output=True, text=True, check=False)
        printed = ran.stdout.split()
        if ran.returncode == 0 and printed[0] == minor and printed[2] == "1":
            return Python(minor, printed[1], program)
    return None


def environment(python: Python) -> Environment:
    """Make the environment of a Python, unless it is there; an OSError says why it cannot be."""
    folder = CACHE / f"python-{python.minor}"
    program = folder / "bin" / "python"
    wanted = f"# {python.program} {python.version}\n{_requirements()}"
    made_of = folder / "made-of.txt"
    if not made_of.is_file() or made_of.read_text() != wanted or not program.exists():
        requirements = CACHE / f"python-{python.minor}.txt"
        CACHE.mkdir(exist_ok=True)
        requirements.write_text(wanted)
        _run(str(python.program), "-m", "venv", "--clear", str(folder))
        pip = [str(program), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run(*pip, "--require-hashes", "--no-deps", "--requirement", str(requirements))
        requirements.rename(made_of)  # last: a half-made environment is made again
    # Each time: the tree, and its cache with it, may have moved.
    packages = folder / "lib" / f"python{python.minor}" / "site-packages"
    (packages / "gearframe.pth").write_text(f"{ROOT / 'python'}\n")
    return Environment(python.minor, python.version, program)


@pytest.fixture(scope="session")
def environments() -> list[Environment]:
    """The environments of all other Pythons that this machine has."""
    return [environment(python) for minor in OTHERS if (python := find(minor)) is not None]


def pytest_report_header() -> str:
    """Say which Pythons a run tries, and which it cannot."""
    found = [python.version for minor in OTHERS if (python := find(minor)) is not None]
    missing = [minor for minor in OTHERS if find(minor) is None]
    text = f"embedded Pythons: {sys.version.split()[0]}, {', '.join(found) or 'no other'}"
    return f"{text}; not on this machine: {', '.join(missing)}" if missing else text


def _candidates(minor: str) -> Iterator[Path]:
    name = f"python{minor}"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if folder and (found := shutil.which(name, path=folder)) is not None:
            yield Path(found).absolute()
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    versions = pyenv.glob(f"versions/{minor}.*/bin/{name}")
    yield from sorted(versions, key=_patch, reverse=True)


def _patch(program: Path) -> int:
    found = re.match(r"\d+", program.parents[1].name.split(".")[2])
    return int(found[0]) if found else 0


def _requirements() -> str:
    """Give the lock file's lines, with their hashes, for the packages that are wanted."""
    text = (ROOT / "requirements-dev.lock").read_text("utf-8")
    blocks = re.split(r"\n(?=\S)", text.strip())
    return "\n".join(block for block in blocks if block.split("==")[0] in PACKAGES) + "\n"


def _run(*command: str) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise OSError(f"{' '.join(command)} failed:\n{ran.stdout}{ran.stderr}")
