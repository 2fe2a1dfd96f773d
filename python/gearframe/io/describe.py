"""Expressions of an optimised plan in words, for ``explain``.

What they say about keys is read in ``pushdown``.
"""

from __future__ import annotations

from typing import Any

import polars as pl

# What the node view raises for a node that it cannot show, or shows otherwise in another version.
UNREADABLE = (
    RecursionError,
    NotImplementedError,
    AttributeError,
    TypeError,
    ValueError,
    pl.exceptions.PolarsError,
)


def plain(value: Any) -> Any:
    """Turn what the node view gives for a Series of more than one value into a list."""
    is_series = type(value).__name__ == "PySeries"
    return pl.Series._from_pyseries(value).to_list() if is_series else value


_SYMBOLS = {
    "Eq": "==", "NotEq": "!=", "Lt": "<", "LtEq": "<=", "Gt": ">", "GtEq": ">=", "And": "&",
    "LogicalAnd": "&", "Or": "|", "LogicalOr": "|", "Plus": "+", "Minus": "-", "Multiply": "*",
    "TrueDivide": "/", "FloorDivide": "//", "Modulus": "%", "Xor": "^",
}  # fmt: skip


def describe(traverser: Any, node: int, depth: int = 12) -> str:
    """Write an expression of a plan for a person."""
    if depth == 0:
        return "…"
    depth -= 1
    try:
        view = traverser.view_expression(node)
    except UNREADABLE:
        return "an expression that cannot be shown"
    kind = type(view).__name__
    if kind == "Column":
        return str(view.name)
    if kind == "Literal":
        text = repr(plain(view.value))
        return text if len(text) <= 60 else f"{text[:57]}..."
    if kind == "BinaryExpr":
        left, right = (describe(traverser, side, depth) for side in (view.left, view.right))
        operator = str(view.op).rpartition(".")[2]
        return f"({left} {_SYMBOLS.get(operator, operator)} {right})"
    if kind == "Cast":
        return f"{describe(traverser, view.expr, depth)}.cast({view.dtype})"
    if kind == "Function":
        first, *rest = [describe(traverser, part, depth) for part in view.input] or ["?"]
        name = str(view.function_data[0]).rpartition(".")[2]
        return f"{first}.{name}({', '.join(rest)})"
    return kind
