"""What of a Polars predicate can be answered by asking for fewer keys.

Reads the optimised plan through Polars' node view, the same that other execution engines use,
and refuses what it does not know: a conjunct that is not understood here is not pushed. All of a
predicate is applied to each batch again, so that pushing can only ever make a scan cheaper.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.io.plugins import register_io_source

from gearframe.io.describe import UNREADABLE, describe, plain

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Comparison:
    """A conjunct that compares a column with a literal, the column first.

    Attributes
    ----------
    column, operator, value
        Such as ``score``, ``>=`` and ``5.0``.
    text
        The conjunct for a person.
    """

    column: str
    operator: str
    value: Any
    text: str

    @property
    def is_lower(self) -> bool:
        """Whether the column is at least the value."""
        return self.operator in (">", ">=", "==")

    @property
    def is_upper(self) -> bool:
        """Whether the column is at most the value."""
        return self.operator in ("<", "<=", "==")


@dataclass(frozen=True)
class KeyFilter:
    """What a predicate says about keys.

    Attributes
    ----------
    keys
        The only keys that can match; None for no such limit.
    prefixes
        Texts that every matching key begins with.
    pushed
        The conjuncts that this was read from, as text.
    kept
        The other conjuncts, as text.
    comparisons
        Those of them that compare a column with a literal.
    """

    keys: frozenset[bytes] | None = None
    prefixes: tuple[bytes, ...] = ()
    pushed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()

    def and_keys(self, keys: frozenset[bytes], text: str) -> KeyFilter:
        """Narrow to some keys."""
        both = keys if self.keys is None else self.keys & keys
        return replace(self, keys=both, pushed=(*self.pushed, text))

    def and_prefix(self, prefix: bytes, text: str) -> KeyFilter:
        """Narrow to a prefix."""
        prefixes = (*self.prefixes, prefix)
        return replace(self, prefixes=prefixes, pushed=(*self.pushed, text))

    def and_kept(self, text: str) -> KeyFilter:
        """Note a conjunct that says nothing about keys."""
        return replace(self, kept=(*self.kept, text))

    def and_comparison(self, comparison: Comparison) -> KeyFilter:
        """Note a conjunct that compares another column with a literal."""
        comparisons = (*self.comparisons, comparison)
        return replace(self, kept=(*self.kept, comparison.text), comparisons=comparisons)


@dataclass(frozen=True)
class PythonScan:
    """A Python source in an optimised plan: what Polars will ask of it."""

    source: object
    columns: list[str] | None
    n_rows: int | None
    traverser: Any
    predicate: int | None


def python_scans(lf: pl.LazyFrame) -> Iterator[PythonScan]:
    """Find the Python sources in the optimised plan of a LazyFrame.

    Raises
    ------
    NotImplementedError
        If the plan has a node that Polars' node view cannot show.
    """
    traverser = lf._ldf.visit()
    nodes = [traverser.get_node()]
    while nodes:
        traverser.set_node(nodes.pop())
        nodes.extend(reversed(traverser.get_inputs()))
        node = traverser.view_current_node()
        if type(node).__name__ == "PythonScan":
            function, columns, _, predicate, n_rows = node.options
            known = predicate[1] if predicate and predicate[0] == "polars" else None
            source = getattr(function, "io_source", None)
            yield PythonScan(source, columns, n_rows, traverser, known)


def read_predicate(
    predicate: pl.Expr | None, schema: Mapping[str, pl.DataType], key_column: str | None
) -> KeyFilter:
    """Read what a predicate says about keys.

    Examples
    --------
    >>> where = (pl.col("_key") == "user:7") & (pl.col("age") > 30)
    >>> read_predicate(where, {"_key": pl.String(), "age": pl.Int64()}, "_key").keys
    frozenset({b'user:7'})
    """
    if predicate is None:
        return KeyFilter()
    probe = register_io_source(lambda *_: iter(()), schema=dict(schema)).filter(predicate)
    try:
        scans = list(python_scans(probe))
    except UNREADABLE:
        return KeyFilter(kept=(str(predicate),))
    if len(scans) != 1 or scans[0].predicate is None:
        return KeyFilter(kept=(str(predicate),))
    return read_scan(scans[0], key_column)


def read_scan(scan: PythonScan, key_column: str | None) -> KeyFilter:
    """Read what the predicate of a scan in a plan says about keys."""
    found = KeyFilter()
    if scan.predicate is None:
        return found
    for conjunct in _conjuncts(scan.traverser, scan.predicate):
        text = describe(scan.traverser, conjunct)
        try:
            found = _narrow(found, scan.traverser, conjunct, key_column, text)
        except UNREADABLE:
            found = found.and_kept(text)
    return found


def _conjuncts(traverser: Any, node: int) -> Iterator[int]:
    """Split at every "and"; with a stack of its own, for a filter may have thousands."""
    nodes = [node]
    while nodes:
        node = nodes.pop()
        try:
            view = traverser.view_expression(node)
        except UNREADABLE:
            yield node
            continue
        operator = str(view.op) if type(view).__name__ == "BinaryExpr" else ""
        if operator in ("Operator.And", "Operator.LogicalAnd"):
            nodes += [view.right, view.left]
        else:
            yield node


def _narrow(
    found: KeyFilter, traverser: Any, node: int, key_column: str | None, text: str
) -> KeyFilter:
    view = traverser.view_expression(node)
    kind = type(view).__name__
    if kind == "Literal" and view.value is False:
        # What Polars makes of an `is_in` without values, for one: no key is left.
        return found.and_keys(frozenset(), text)
    if kind == "BinaryExpr":
        comparison = _comparison(traverser, view, text)
        if comparison is None:
            return found.and_kept(text)
        key = _key_bytes(comparison.value)
        if comparison.column == key_column and comparison.operator == "==" and key is not None:
            return found.and_keys(frozenset([key]), text)
        return found.and_comparison(comparison)
    if kind == "Function" and str(view.function_data[0]) == "BooleanFunction.IsBetween":
        return _between(found, traverser, view, text)
    if kind == "Function" and len(view.input) == 2:
        subject, literal = (traverser.view_expression(part) for part in view.input)
        name = str(view.function_data[0])
        if _is_key(subject, key_column):
            if name == "BooleanFunction.IsIn":
                nulls_equal = bool(view.function_data[1])
                return found.and_keys(_all_key_bytes(literal, nulls_equal=nulls_equal), text)
            prefix = _key_bytes(_literal(literal))
            if name in ("StringFunction.StartsWith", "BinaryFunction.StartsWith") and prefix:
                return found.and_prefix(prefix, text)
    return found.and_kept(text)


def _is_key(view: Any, key_column: str | None) -> bool:
    return type(view).__name__ == "Column" and view.name == key_column


_MIRRORED = {"Eq": "==", "Gt": "<", "GtEq": "<=", "Lt": ">", "LtEq": ">="}
_OPERATORS = {"Eq": "==", "Gt": ">", "GtEq": ">=", "Lt": "<", "LtEq": "<="}


def _comparison(traverser: Any, view: Any, text: str) -> Comparison | None:
    """Read a comparison of a column with a literal, whichever comes first."""
    left, right = (traverser.view_expression(side) for side in (view.left, view.right))
    symbols = _OPERATORS
    if type(left).__name__ != "Column":
        left, right, symbols = right, left, _MIRRORED
    operator = symbols.get(str(view.op).rpartition(".")[2])
    value = _literal(right)
    if operator is None or value is None or type(left).__name__ != "Column":
        return None
    return Comparison(str(left.name), operator, value, text)


def _between(found: KeyFilter, traverser: Any, view: Any, text: str) -> KeyFilter:
    """Read a range with two ends; included or not, the predicate itself will tell."""
    subject, low, high = (traverser.view_expression(part) for part in view.input)
    ends = _literal(low), _literal(high)
    if type(subject).__name__ != "Column" or None in ends:
        return found.and_kept(text)
    lower, upper = (
        Comparison(str(subject.name), operator, value, text)
        for operator, value in zip((">=", "<="), ends, strict=True)
    )
    return replace(found.and_comparison(lower), comparisons=(*found.comparisons, lower, upper))


def _literal(view: Any) -> Any:
    return view.value if type(view).__name__ == "Literal" else None


def _key_bytes(value: Any) -> bytes | None:
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, bytes) else None


def _all_key_bytes(view: Any, *, nulls_equal: bool) -> frozenset[bytes]:
    """Read the keys of an ``is_in``; raises TypeError for anything but texts and bytes."""
    if type(view).__name__ != "Literal":
        raise TypeError(view)
    values = plain(view.value)
    if not isinstance(values, list):
        raise TypeError(values)
    if len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    keys = set()
    for value in values:
        if value is None and not nulls_equal:
            continue  # equals nothing, not even the null that on_error="null" makes of a key
        if not isinstance(value, str | bytes):
            raise TypeError(value)
        keys.add(value.encode() if isinstance(value, str) else value)
    return frozenset(keys)
