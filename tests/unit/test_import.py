"""What ``import gearframe`` brings along, and what comes when it is used."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import gearframe as gf

SOURCE = ast.parse(Path(gf.__file__).read_text())
# What takes long to import, belongs to an extra, or is refused by an isolated interpreter.
LATER = [
    "polars", "gearframe._native", "pyarrow", "redis", "asyncio", "rich", "cyclopts", "cloudpickle",
    "ssl", "hypothesis",
]  # fmt: skip
# What may not be imported by what runs in such an interpreter.
REFUSED = ["polars", "numpy", "pyarrow", "redis", "hiredis", "gearframe._native"]


def run(code: str) -> str:
    """Run code in an interpreter of its own."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_importing_is_light() -> None:
    code = f"import sys, gearframe; print([m for m in {LATER} if m in sys.modules])"
    assert run(code) == "[]"


@pytest.mark.parametrize("module", ["gearframe.gears", "gearframe.gears.run"])
def test_gears_import_what_every_interpreter_takes(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {REFUSED} if m in sys.modules])"
    assert run(code) == "[]"


def test_every_module_can_be_the_first_one() -> None:
    root = Path(gf.__file__).parent
    paths = [p.relative_to(root.parent) for p in sorted(root.rglob("*.py")) if p.stem != "__main__"]
    names = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths]
    code = (
        "import sys, importlib\n"
        f"for name in {names}:\n"
        "    for loaded in [m for m in sys.modules if m.startswith('gearframe')]:\n"
        "        if loaded != 'gearframe._native': del sys.modules[loaded]\n"
        "    importlib.import_module(name)\n"
    )
    run(code)


def test_the_version_is_found_when_it_is_asked_for() -> None:
    assert run("import gearframe; print(gearframe.__version__)") == version("gearframe")
    assert run("from gearframe import __version__; print(__version__)") == version("gearframe")


def test_redis_py_comes_with_what_needs_it() -> None:
    code = (
        "import sys\n"
        "from gearframe import StreamConsumer\n"
        "print(StreamConsumer.__name__, 'redis' in sys.modules)"
    )
    assert run(code) == "StreamConsumer True"


def test_packages_are_found_without_importing_them() -> None:
    assert run("import gearframe; print(gearframe.cache.cache.__name__)") == "cache"


def test_names_are_listed_before_they_are_used() -> None:
    code = "import gearframe; print(sorted(set(gearframe.__all__) - set(dir(gearframe))))"
    assert run(code) == "[]"
    assert run("from gearframe import *; print(infer_schema.__name__)") == "infer_schema"


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'gearframe' has no attribute 'scan_hash'"):
        _ = gf.scan_hash  # type: ignore[attr-defined]


def test_checkers_see_the_names_that_come_later() -> None:
    [block] = [node for node in SOURCE.body if isinstance(node, ast.If) and not node.orelse][:1]
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == gf._LATER
    for name, module in seen.items():
        assert getattr(gf, name) is getattr(importlib.import_module(str(module)), name)
