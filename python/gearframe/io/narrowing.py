"""Ranges of a key's elements out of a predicate: scores, ranks, places and times.

A comparison with a literal becomes a narrower range for the server. The predicate is applied
again to what comes, so a range may be wider than the comparison, and never narrower.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gearframe.io.definition import ScanDefinition
    from gearframe.io.pushdown import Comparison, KeyFilter

Range = Mapping[str, Any]


@dataclass(frozen=True)
class Narrowed:
    """A range, and the conjuncts that it comes from.

    Attributes
    ----------
    range
        What the native part gets with the kind.
    texts
        The conjuncts that are judged here, pushed or not.
    pushed, kept
        Those that narrowed the range, and those that could not, with the reason.
    """

    range: Range
    texts: frozenset[str] = frozenset()
    pushed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def narrow(
    definition: ScanDefinition, where: KeyFilter, *, numbers_rows: bool, named: bool
) -> Narrowed:
    """Narrow the range of a scan by what a predicate says about its elements.

    ``named`` keys are fetched without a SCAN.
    """
    found: Range = definition.range
    pushed, kept, texts = [], [], set()
    for comparison in where.comparisons:
        origin = definition.column(comparison.column).origin
        narrower = _NARROWERS.get((definition.kind, origin))
        if narrower is None:
            continue
        texts.add(comparison.text)
        if numbers_rows:
            kept.append(f"{comparison.text}: the row index counts all rows")
            continue
        if named and origin == "type":
            kept.append(f"{comparison.text}: named keys are asked for their type")
            continue
        result = narrower(found, comparison)
        if result is None:
            kept.append(f"{comparison.text}: the range asked for cannot be joined with it")
        else:
            found = result
            effect = "a TYPE for SCAN" if origin == "type" else "a narrower range"
            pushed.append(f"{comparison.text} → {effect}")
    # A comparison with two ends comes as two, with one text.
    return Narrowed(
        found, frozenset(texts), tuple(dict.fromkeys(pushed)), tuple(dict.fromkeys(kept))
    )


def _by_score(found: Range, comparison: Comparison) -> Range | None:
    value = comparison.value
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return None
    if found["by"] == "rank" and list(found["range"]) != [0, -1]:
        return None
    low, high = found["range"] if found["by"] == "score" else ("-inf", "+inf")
    # Both ends are included: what is too much, the predicate takes away again.
    score = float(value)
    if comparison.is_lower and score >= _score(low):
        low = _tighter(low, score)
    if comparison.is_upper and score <= _score(high):
        high = _tighter(high, score)
    return {"by": "score", "range": [low, high]}


def _score(bound: str) -> float:
    return float(bound.removeprefix("("))


def _tighter(bound: str, score: float) -> str:
    """Give the text of a score, or the bound that excludes the same score already."""
    return bound if bound.startswith("(") and _score(bound) == score else repr(score)


def _by_rank(found: Range, comparison: Comparison) -> Range | None:
    return _by_place(found, comparison) if found["by"] == "rank" else None


def _by_place(found: Range, comparison: Comparison) -> Range | None:
    value = comparison.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    first, last = found["range"]
    if first < 0 or last < -1:
        return None  # which places these are, only the length tells
    if comparison.is_lower:
        first = max(first, math.ceil(value))
    if comparison.is_upper and value < 0:
        return {**found, "range": [1, 0]}  # no place is below 0
    if comparison.is_upper:
        last = math.floor(value) if last == -1 else min(last, math.floor(value))
    if first > _MOST_PLACES or last > _MOST_PLACES:
        return None
    return {**found, "range": [first, last]}


_MOST_PLACES = 2**62


def _by_time(found: Range, comparison: Comparison) -> Range | None:
    moment = _milliseconds(comparison.value)
    start, end = found["start"], found["end"]
    # The first so many entries of a stream, and buckets, depend on where the range starts.
    if moment is None or found.get("count") is not None or found.get("aggregation") is not None:
        return None
    first, last = math.floor(moment), math.ceil(moment)
    if first < 0 or last >= 2**63:
        return None
    if comparison.is_lower and (start == "-" or first > _time_of(start)):
        start = str(first)
    if comparison.is_upper and (end == "+" or last < _time_of(end)):
        end = str(last)
    return {**found, "start": start, "end": end}


def _time_of(bound: str) -> int:
    """Give the time of an id; ``-`` and ``+`` are the lowest and the highest."""
    if bound in ("-", "+"):
        return 0 if bound == "-" else _MOST_IN_ID
    return int(bound.removeprefix("(").partition("-")[0])


_MOST_IN_ID = 2**64 - 1


def is_part_of_id(text: str) -> bool:
    """Whether a text is one of the two numbers of an entry's id."""
    # Longer texts are not turned into numbers: Python takes its time for them.
    return text.isascii() and text.isdigit() and len(text) <= 20 and int(text) <= _MOST_IN_ID


def _milliseconds(value: object) -> float | None:
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return (aware - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1)
    return None


def _by_id(found: Range, comparison: Comparison) -> Range | None:
    value = comparison.value
    whole = isinstance(value, str) and [is_part_of_id(part) for part in value.split("-")] == [
        True,
        True,
    ]
    if not whole or comparison.operator != "==" or found.get("count") is not None:
        return None
    if found["start"] != "-" or found["end"] != "+":
        return None
    return {**found, "start": value, "end": value}


_TYPES = ("string", "list", "set", "zset", "hash", "stream")


def _by_type(found: Range, comparison: Comparison) -> Range | None:
    # Of other types Valkey says that they are unknown, where a module is not loaded.
    if comparison.operator != "==" or comparison.value not in _TYPES or found["type"] is not None:
        return None
    return {"type": comparison.value}


_NARROWERS: dict[tuple[str, str], Callable[[Range, Comparison], Range | None]] = {
    ("zsets", "score"): _by_score,
    ("zsets", "index"): _by_rank,
    ("lists", "index"): _by_place,
    ("streams", "timestamp"): _by_time,
    ("streams", "id"): _by_id,
    ("timeseries", "timestamp"): _by_time,
    ("keys", "type"): _by_type,
}
