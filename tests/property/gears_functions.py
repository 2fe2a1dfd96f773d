"""Small random functions of a record, and what each does with whole and with narrowed records.

No test itself: `test_gears_narrowing` runs it with Hypothesis, and as a program in the other
versions of Python that the machine has, which have no more than the standard library::

    python gears_functions.py FOLDER_OF_GEARFRAME SEED COUNT
"""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Callable
from typing import Any

FIELDS = ["a", "b", "c", "name"]

RECORDS: list[dict[str, Any]] = [
    {"key": "k:1", "value": {"a": "1", "b": "x", "c": "2.5"}, "type": "hash", "event": None},
    {"key": "k:2", "value": {"a": "", "name": "é"}, "type": "hash", "event": None},
    {"key": "", "value": {"c": "7"}, "type": "hash", "event": None},
    {"key": "k:3", "value": {"z": "7", "b": bytearray(b"\xff")}, "type": "hash", "event": None},
    {"key": "k:4", "value": "text", "type": "string", "event": None},
    {"key": "k:5", "value": ["a", "b"], "type": "list", "event": None},
    {"key": "k:6", "value": None, "type": "empty", "event": None},
]


class Source:
    """Writes functions; ``choose`` takes one of some, at random or as Hypothesis has it."""

    def __init__(self, choose: Callable[[list[Any]], Any]) -> None:
        self._choose = choose

    def function(self) -> str:
        """Give the text of a function ``f(x)``, or of a reducer that takes it as the last one."""
        body = self._block(2, "    ")
        return f"def f(x):\n    v = w = y = None\n{body}    return {self.expression(2)}\n"

    def _block(self, depth: int, indent: str) -> str:
        lines = [self._statement(depth, indent) for _ in range(self._choose([0, 1, 1, 2]))]
        return "".join(lines)

    def _statement(self, depth: int, indent: str) -> str:
        inner = indent + "    "
        kinds = ["assign", "assign", "if", "for", "while", "try", "with", "aug", "del", "unpack"]
        kind = self._choose(kinds if depth else ["assign"])
        body = self._block(depth - 1, inner) if depth else ""
        again = self._block(depth - 1, inner) if depth else ""
        value = self.expression(1)
        if kind == "assign":
            return f"{indent}{self._choose(['v', 'w', 'y'])} = {self._any()}\n"
        if kind == "if":
            return f"{indent}if {value}:\n{body}{inner}pass\n{indent}else:\n{again}{inner}pass\n"
        if kind == "for":
            return f"{indent}for y in (1, 2):\n{body}{inner}if {value}: break\n"
        if kind == "while":
            return f"{indent}while not y:\n{body}{inner}y = 1\n"
        if kind == "try":
            ending = self._choose(
                ["finally:", "except (KeyError, TypeError) as e:", "except Exception:"]
            )
            return f"{indent}try:\n{body}{inner}w = {value}\n{indent}{ending}\n{again}{inner}pass\n"
        if kind == "with":
            return f"{indent}with NOTHING:\n{body}{inner}w = {value}\n"
        if kind == "aug":
            return f"{indent}y = 1\n{indent}y += len(str({value}))\n"
        if kind == "del":
            return f"{indent}w = {value}\n{indent}del w\n{indent}w = 2\n"
        return f"{indent}v, w = {self._any()}, {self._any()}\n"

    def _any(self) -> str:
        return str(self._choose(["x", "x['value']", "x.get('value')", self.expression(1)]))

    def _value(self) -> str:
        return str(self._choose(["x['value']", "x['value']", "x.get('value')", "v", "w"]))

    def expression(self, depth: int) -> str:
        """Give something that has a value."""
        field = repr(self._choose(FIELDS))
        leaves = [
            f"{self._value()}[{field}]", f"{self._value()}[{field}]",
            f"{self._value()}.get({field})", f"{self._value()}.get({field}, 1)",
            f"{field} in {self._value()}", f"{field} not in {self._value()}",
            "x['key']", "x['type']", "x['event']", "x['nothing']", "x.get('key')", "'value' in x",
            f"{self._value()} is None", f"{self._value()} is not None", "y", "1", "None",
        ]  # fmt: skip
        if self._choose([0, 0, 0, 0, 1]):
            leaves = [
                f"len({self._value()})", f"sorted({self._value()}.items())", "str(x)",
                f"bool({self._value()})", f"[k for k in {self._value()}]", "x", self._value(),
                f"(lambda: {self._value()}[{field}])()",
                f"[{self._value()}[{field}] for _ in 'ab']",
                f"{{**{self._value()}}}", f"{self._value()} == {{}}", "f'{v}'", "f'{x}'",
                f"{self._value()}[x['key']]", f"sum(1 for k in {self._value()})", "x.keys()",
                f"{self._value()}.pop({field})", "locals()['x']", f"HELPER(x, {field})", "w and v",
            ]  # fmt: skip
        if not depth:
            return str(self._choose(leaves))
        one, two, three = (self.expression(depth - 1) for _ in range(3))
        deep = [
            f"({one}, {two})", f"[{one}, {two}]", f"{{'k': {one}}}", f"str({one})",
            f"({one} if {two} else {three})", f"({one} and {two})", f"({one} or {two})",
            f"(not {one})", "f'{y}{w!r:>3}'", f"({one} == {two})", f"({one} is None)",
            f"int({one})", f"len({one})", f"[y, {one}][1]", f"dict(k={one})",
        ]  # fmt: skip
        return str(self._choose([*leaves, *deep]))


class _Nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def _helper(record: Any, field: str) -> Any:
    return record["value"][field]


def compiled(source: str) -> Any:
    """Make the function of its text."""
    scope: dict[str, Any] = {"NOTHING": _Nothing(), "HELPER": _helper}
    with warnings.catch_warnings(action="ignore", category=SyntaxWarning):
        exec(source, scope)
    return scope["f"]


def narrowed(record: dict[str, Any], need: Any) -> dict[str, Any]:
    """Cut a record down to what is needed of it, as a reader does."""
    if need.what == "key":
        return {**record, "value": None, "type": None}
    if need.what == "type":
        return {**record, "value": None}
    value = record["value"]
    if need.fields is not None and record["type"] == "hash":
        value = {name: each for name, each in value.items() if name in need.fields}
    return {**record, "value": value}


def outcome(function: Any, record: dict[str, Any]) -> Any:
    """Give what a function does: its value as text, or the error; a fresh record each time."""
    value = record["value"]
    fresh = {**record, "value": value.copy() if isinstance(value, dict | list) else value}
    try:
        return "value", repr(function(fresh))
    except Exception as error:  # noqa: BLE001 - it is the function's answer
        return "error", type(error).__name__, str(error)


def differences(source: str) -> list[Any]:
    """Give the records for which a function does something else when they are narrowed."""
    from gearframe.gears.narrowing import need_of
    from gearframe.gears.plan import Map, Plan, Reader

    function = compiled(source)
    need = need_of(Plan(Reader("KeysReader", "*"), (Map(function),)))
    found = []
    for record in RECORDS:
        whole, cut = outcome(function, record), outcome(function, narrowed(record, need))
        if whole != cut:
            found.append((record["key"], need, whole, cut))
    return found


def is_narrowed(source: str) -> bool:
    """Whether less than everything is read for a function."""
    from gearframe.gears.narrowing import WHOLE, need_of
    from gearframe.gears.plan import Map, Plan, Reader

    plan = Plan(Reader("KeysReader", "*"), (Map(compiled(source)),))
    return need_of(plan) != WHOLE


def main(folder: str, seed: str, count: str) -> None:
    """Try some functions; print the share that was narrowed, fail at the first difference."""
    sys.path.insert(0, folder)
    sources = Source(random.Random(int(seed)).choice)
    less = 0
    for _ in range(int(count)):
        source = sources.function()
        if found := differences(source):
            raise SystemExit(f"{source}\n{found}")
        less += is_narrowed(source)
    print(less / int(count))


if __name__ == "__main__":
    main(*sys.argv[1:])
