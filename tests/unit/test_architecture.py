"""The rules that hold the code together, checked in its sources."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gearframe
from gearframe import _native, exceptions

PACKAGE = Path(gearframe.__file__).parent
REPOSITORY = PACKAGE.parents[1]
RUST = sorted((REPOSITORY / "crates").glob("*/src/**/*.rs"))

# A part may import the parts before it, and itself. What is missing here is a new part: give it
# a place.
ORDER = [
    "exceptions", "lazy", "version", "gears", "shard", "_native", "options", "url", "embedded",
    "interrupts", "methods", "client", "control", "schema", "dtypes", "texts", "io", "infer",
    "cache", "streams", "compat", "cli",
]  # fmt: skip

# `unsafe` stands here alone; each file says why.
UNSAFE = {
    "crates/embedded-python/src/capi.rs",
    "crates/module/src/entry.rs",
    "crates/server-api/src/raw.rs",
}


def imports(path: Path) -> set[str]:
    """The parts of the package that a module imports when it is imported."""
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    skipped = {
        id(node)
        for block in ast.walk(tree)
        if (isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test))
        or isinstance(block, ast.FunctionDef)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names]
            found |= set(names) if module == "gearframe" else {module}
    return {name.split(".")[1] for name in found if name.startswith("gearframe.")}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if part_of(path) != "__init__"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    allowed = ORDER[: ORDER.index(part_of(path)) + 1]
    assert imports(path) <= set(allowed)


def test_exceptions_import_nothing_of_the_package() -> None:
    assert imports(PACKAGE / "exceptions.py") == set()


def test_public_names() -> None:
    assert gearframe.__all__ == sorted(gearframe.__all__)
    assert len(set(gearframe.__all__)) == len(gearframe.__all__)
    assert all(hasattr(gearframe, name) for name in gearframe.__all__)


def test_every_exception_is_public() -> None:
    classes = {
        name
        for name, value in vars(exceptions).items()
        if inspect.isclass(value) and issubclass(value, BaseException)
    }
    assert classes <= set(gearframe.__all__)


def test_the_tree_of_exceptions_is_drawn_completely() -> None:
    roots = {"GearframeError", "GearsForceStopped"}
    drawn = set(re.findall(r"(?:[├└]──|^   ) (\w+)", exceptions.__doc__ or "", re.MULTILINE))
    assert roots < drawn
    assert drawn == {
        name
        for name, value in vars(exceptions).items()
        if inspect.isclass(value) and issubclass(value, BaseException)
    }


def test_every_error_of_the_core_has_its_class() -> None:
    text = (REPOSITORY / "crates/core/src/error.rs").read_text()
    arms = dict(re.findall(r'Self::(\w+) => "(\w+)"', text))
    kinds = re.search(r"pub enum ErrorKind \{(.*?)\n\}", text, re.DOTALL)
    assert kinds is not None
    assert set(arms) == set(re.findall(r"^    (\w+),$", kinds[1], re.MULTILINE))
    for name in arms.values():
        assert issubclass(getattr(exceptions, name), exceptions.GearframeError)


# -- the native part -------------------------------------------------------------------------------


def stub_names() -> dict[str, set[str]]:
    """The classes and functions of the stub, with the members of each class."""
    tree = ast.parse((PACKAGE / "_native.pyi").read_text())
    names: dict[str, set[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            names[node.name] = set()
        elif isinstance(node, ast.ClassDef) and "Protocol" not in map(ast.unparse, node.bases):
            members = {m.name for m in node.body if isinstance(m, ast.FunctionDef)}
            members |= {ast.unparse(m.target) for m in node.body if isinstance(m, ast.AnnAssign)}
            names[node.name] = members - {"__new__"}
    return names


def test_the_stub_has_what_the_binary_has() -> None:
    in_binary = {
        name: {member for member in vars(value) if not member.startswith("_")}
        if inspect.isclass(value)
        else set()
        for name, value in vars(_native).items()
        if not name.startswith("__")
    }
    assert stub_names() == in_binary


def test_the_stub_has_the_signatures_of_the_binary(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mypy.stubtest", "gearframe._native"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout


def test_every_class_of_the_binary_is_frozen() -> None:
    declared = [
        (path, arguments)
        for path in RUST
        for arguments in re.findall(r"#\[pyclass(\([^\]]*\))?\]", path.read_text())
    ]
    assert declared
    assert [str(path) for path, arguments in declared if "frozen" not in arguments] == []


def test_unsafe_stands_where_it_may() -> None:
    found = {
        str(path.relative_to(REPOSITORY))
        for path in RUST
        if re.search(r"^[^/\n]*\bunsafe\b(?!_code)", path.read_text(), re.MULTILINE)
    }
    assert found == UNSAFE
    for name in UNSAFE:
        assert "SAFETY:" in (REPOSITORY / name).read_text()


def test_no_unwrap_outside_of_tests() -> None:
    found = []
    for path in RUST:
        if "tests" in path.stem or "tests" in path.parts:
            continue
        code = path.read_text().split("#[cfg(test)]")[0]
        found += [str(path)] * len(re.findall(r"^[^/\n]*\.unwrap\(\)", code, re.MULTILINE))
    assert found == []
