"""Every example in a docstring of the package gives what it says."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

import gearframe as gf

# The second is for servers: Python would take its suffix for that of an extension.
BUILT = {"gearframe._native", "gearframe.libgearframe_module"}

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def modules() -> list[ModuleType]:
    names = [name for _, name, _ in pkgutil.walk_packages(gf.__path__, "gearframe.")]
    python = [name for name in names if name not in BUILT and "__main__" not in name]
    return [gf, *(importlib.import_module(name) for name in python)]


def examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found: dict[str, doctest.DocTest] = {}
    for module in modules():
        for test in finder.find(module, extraglobs={"gf": gf, "pl": pl}):
            if test.examples:
                found[test.name] = test
    return list(found.values())


@pytest.mark.parametrize("test", examples(), ids=lambda test: test.name)
def test_example(test: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report: list[str] = []
    doctest.DocTestRunner(verbose=False, optionflags=FLAGS).run(test, out=report.append)
    opened = [value for value in test.globs.values() if isinstance(value, gf.Client)]
    for client in opened:
        client.close()
    assert not report, "".join(report)


def test_every_public_function_has_an_example() -> None:
    public = [getattr(gf, name) for name in gf.__all__]
    functions = [value for value in public if inspect.isfunction(value)]
    assert functions
    lacking = [each.__name__ for each in functions if ">>>" not in (each.__doc__ or "")]
    assert lacking == []
