"""What the server's own Python environment has already.

Conservative on purpose: where this cannot tell, pip is asked.
"""

from __future__ import annotations

import ast
import operator
import os
import platform
import re
import sys
from collections.abc import Callable
from importlib import metadata

from gearframe.exceptions import OptionError
from gearframe.shard.control.names import Requirement, parse

_COMPARE: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def satisfied(requirement: Requirement, extra: str = "", depth: int = 0) -> bool:
    """Whether a requirement needs no installation.

    Parameters
    ----------
    requirement : Requirement
        What is asked for. An address is satisfied by a package that it is known to carry.
    extra : str
        The extra of another package in whose name this is asked.
    depth : int
        How many packages ask for each other already.

    Returns
    -------
    bool
        True if the package is there in that version with what its extras need, or if the marker
        says that this machine does not need it.

    Examples
    --------
    >>> satisfied(parse("cloudpickle>=3")), satisfied(parse("cloudpickle<1"))
    (True, False)
    """
    if requirement.marker and applies(requirement.marker, extra) is False:
        return True
    if requirement.name is None or depth > 5:
        return False
    if requirement.url is not None and (
        requirement.text != requirement.url or "@" in requirement.url.rpartition("/")[2]
    ):
        return False  # this very file, branch or commit is asked for
    try:
        found = metadata.distribution(requirement.name)
    except (metadata.PackageNotFoundError, ValueError):
        return False
    fits = all(_fits(found.version, clause) for clause in requirement.versions.split(",") if clause)
    return fits and all(_extra_is_there(found, each, depth) for each in requirement.extras)


def _fits(version: str, clause: str) -> bool:
    """Whether a version is in a range; plain numbers are compared, anything else is left to pip."""
    found = re.fullmatch(r"\s*(==|!=|<=|>=|<|>)\s*([0-9]+(?:\.[0-9]+)*)\s*", clause)
    if found is None or not re.fullmatch(r"[0-9]+(\.[0-9]+)*", version):
        return False
    return _COMPARE[found[1]](_numbers(version), _numbers(found[2]))


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(each) for each in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _extra_is_there(found: metadata.Distribution, extra: str, depth: int) -> bool:
    offered = {each.lower() for each in found.metadata.get_all("Provides-Extra") or []}
    if extra.lower() not in offered:
        return True  # pip warns of it and goes on
    for line in found.requires or []:
        try:
            needed = parse(line.replace('"', "'"))
        except OptionError:
            return False
        if "extra" in needed.marker and not satisfied(needed, extra, depth + 1):
            return False
    return True


def applies(marker: str, extra: str = "") -> bool | None:
    """Evaluate an environment marker.

    Returns
    -------
    bool or None
        None where it is not understood.

    Examples
    --------
    >>> applies("python_version >= '3.5' and extra == 'runtime'", "runtime")
    True
    >>> applies("sys_platform == 'win32'"), applies("__import__('os')")
    (False, None)
    """
    values = {
        "extra": extra,
        "python_version": f"{sys.version_info.major}.{sys.version_info.minor}",
        "python_full_version": platform.python_version(),
        "sys_platform": sys.platform,
        "os_name": os.name,
        "platform_system": platform.system(),
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "implementation_name": sys.implementation.name,
    }
    try:
        return _evaluate(ast.parse(marker.strip(), mode="eval").body, values)
    except (SyntaxError, ValueError, KeyError, TypeError, RecursionError, MemoryError):
        return None


def _evaluate(node: ast.expr, values: dict[str, str]) -> bool:
    if isinstance(node, ast.BoolOp):
        parts = [_evaluate(each, values) for each in node.values]
        return all(parts) if isinstance(node.op, ast.And) else any(parts)
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        raise ValueError("not a marker")
    left, right = _value(node.left, values), _value(node.comparators[0], values)
    sign = {
        ast.Eq: "==",
        ast.NotEq: "!=",
        ast.LtE: "<=",
        ast.GtE: ">=",
        ast.Lt: "<",
        ast.Gt: ">",
    }.get(type(node.ops[0]))
    if sign is None:
        raise ValueError("not a comparison of markers")
    if all(re.fullmatch(r"[0-9]+(\.[0-9]+)*", each) for each in (left, right)):
        return _COMPARE[sign](_numbers(left), _numbers(right))
    if sign not in ("==", "!="):
        raise ValueError("not a comparison of versions")
    return (left == right) is (sign == "==")


def _value(node: ast.expr, values: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise ValueError("not a value of a marker")
