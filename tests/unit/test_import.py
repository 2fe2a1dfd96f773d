"""What ``import gearframe`` brings along, and what comes when it is used."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import gearframe as gf

SOURCE = ast.parse(Path(gf.__file__).read_text())
# What takes long to import, or belongs to an extra; Polars and what it imports are needed anyway.
LATER = ["redis", "asyncio", "rich", "cyclopts", "cloudpickle", "ssl", "hypothesis"]


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
