"""The values of sampled keys: many in a round trip, and no key without a bound."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import redis

if TYPE_CHECKING:
    from gearframe.infer.sampling import KeySample

Kind: TypeAlias = Literal["hashes", "json", "strings", "streams"]
Command: TypeAlias = tuple[Any, ...]

TYPE_NAMES: dict[str, str] = {
    "hashes": "hash",
    "json": "ReJSON-RL",
    "strings": "string",
    "streams": "stream",
}
"""What ``TYPE`` answers for the keys of a kind."""

_PIPELINE_KEYS = 250
_FIRST_KEYS = 8
"""Keys in the first round trip, when nobody knows yet how large they are."""
_MOST_FIELDS = 1000
_MOST_COLUMNS = 1000
_MOST_STRING = 4 << 20
_MOST_BYTES = 64 << 20
_STREAM_PLACES = 4
_WRONG_TYPE = ("WRONGTYPE", "Existing key has wrong Redis type")

TOO_LARGE = "larger than 4 MiB"
GONE = "vanished, or of another type"
UNREAD = "not read, for the sample had 64 MiB"


class Row(dict[bytes, bytes]):
    """The fields of a hash or of an entry; of a string and of a document one, called ``value``."""

    def __init__(self, key: bytes, fields: dict[bytes, bytes], *, is_partial: bool = False) -> None:
        super().__init__(fields)
        self.key = key
        self.is_partial = is_partial


@dataclass
class Rows:
    """What was read of a sample.

    Attributes
    ----------
    rows : list of Row
        In the order of the keys, so that the columns come in the same order each time.
    keys : int
        How many keys they are from.
    partial : int
        How many of these were too large to be read as a whole.
    left_out : Counter
        Sampled keys that are in no row, by reason.
    names : list of bytes
        The fields that become columns: the commonest, in the order of first sight.
    too_many : int
        How many other fields there are.
    """

    rows: list[Row] = field(default_factory=list)
    keys: int = 0
    partial: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    names: list[bytes] = field(default_factory=list)
    too_many: int = 0
    size: int = 0

    def add(self, row: Row) -> None:
        """Add a row, and count its bytes."""
        self.rows.append(row)
        self.size += sum(map(len, row.values()))


def types_of(control: redis.Redis, keys: Sequence[bytes]) -> list[str]:
    """Ask for the type of each key: ``TYPE``, pipelined."""
    return [reply.decode() for reply in _replies(control, [("TYPE", key) for key in keys])]


def fetch(control: redis.Redis, kind: Kind, sample: KeySample, size: int, seed: int) -> Rows:
    """Read the values of sampled keys.

    Sends for each key ``HLEN`` and ``HGETALL`` (above 1,000 fields ``HSCAN`` and ``HMGET``),
    ``JSON.GET``, ``STRLEN`` and ``GET``, or ``XLEN``, ``XRANGE`` and ``XREVRANGE``.
    """
    rows = Rows()
    start = 0
    while start < len(sample.keys):
        if rows.size > _MOST_BYTES:
            rows.left_out[UNREAD] += len(sample.keys) - start
            break
        keys = sample.keys[start : start + _at_once(rows.size, start)]
        start += len(keys)
        if kind == "streams":
            _fetch_streams(control, keys, rows, max(16, size // len(sample.keys)), seed)
        else:
            {"hashes": _fetch_hashes, "json": _fetch_json, "strings": _fetch_strings}[kind](
                control, keys, rows
            )
    rows.rows.sort(key=lambda row: row.key)
    _choose_names(rows)
    _complete(control, rows)
    return rows


def _at_once(size: int, keys: int) -> int:
    """Choose how many keys are read in one round trip: so many as will about fill the bound."""
    if not keys:
        return _FIRST_KEYS
    left = (_MOST_BYTES - size) * keys // max(size, 1)
    return max(1, min(left, _PIPELINE_KEYS, 8 * keys))


def _choose_names(rows: Rows) -> None:
    counts = Counter(name for row in rows.rows for name in row)
    commonest = {name for name, _ in counts.most_common(_MOST_COLUMNS)}
    rows.names = [name for name in counts if name in commonest]
    rows.too_many = len(counts) - len(commonest)


def _fetch_hashes(control: redis.Redis, keys: Sequence[bytes], rows: Rows) -> None:
    lengths = _replies(control, [("HLEN", key) for key in keys])
    whole = [
        key
        for key, length in zip(keys, lengths, strict=True)
        if length is not None and 0 < length <= _MOST_FIELDS
    ]
    large = [
        key
        for key, length in zip(keys, lengths, strict=True)
        if length is not None and length > _MOST_FIELDS
    ]
    _count_keys(rows, len(keys), len(whole) + len(large))
    hashes = _replies(control, [("HGETALL", key) for key in whole])
    for key, reply in zip(whole, hashes, strict=True):
        _add_hash(rows, key, reply, is_partial=False)
    # A server may return more than COUNT, but only of a hash that it keeps in one piece.
    pages = _replies(control, [("HSCAN", key, 0, "COUNT", _MOST_FIELDS) for key in large])
    for key, page in zip(large, pages, strict=True):
        _add_hash(rows, key, page and page[1], is_partial=True)


def _add_hash(rows: Rows, key: bytes, flat: Sequence[bytes] | None, *, is_partial: bool) -> None:
    if flat:
        rows.partial += is_partial
        rows.add(Row(key, _pairs(flat), is_partial=is_partial))
    else:
        rows.keys -= 1
        rows.left_out[GONE] += 1


def _complete(control: redis.Redis, rows: Rows) -> None:
    """Read of large hashes also the fields that other hashes have: a scan will."""
    for row in rows.rows:
        if not row.is_partial or not rows.names:
            continue
        (values,) = _replies(control, [("HMGET", row.key, *rows.names)])
        found = zip(rows.names, values or (), strict=False)
        row.update({name: value for name, value in found if value is not None})


def _fetch_json(control: redis.Redis, keys: Sequence[bytes], rows: Rows) -> None:
    documents = _replies(control, [("JSON.GET", key) for key in keys])
    _add_values(rows, keys, documents)


def _fetch_strings(control: redis.Redis, keys: Sequence[bytes], rows: Rows) -> None:
    lengths = _replies(control, [("STRLEN", key) for key in keys])
    asked = [
        key
        for key, length in zip(keys, lengths, strict=True)
        if length is not None and length <= _MOST_STRING
    ]
    rows.left_out[TOO_LARGE] += sum(
        length is not None and length > _MOST_STRING for length in lengths
    )
    rows.left_out[GONE] += lengths.count(None)
    _add_values(rows, asked, _replies(control, [("GET", key) for key in asked]))


def _add_values(rows: Rows, keys: Sequence[bytes], values: Sequence[bytes | None]) -> None:
    for key, value in zip(keys, values, strict=True):
        if value is None:
            rows.left_out[GONE] += 1
        else:
            rows.keys += 1
            rows.add(Row(key, {b"value": value}))


def _fetch_streams(
    control: redis.Redis, keys: Sequence[bytes], rows: Rows, entries: int, seed: int
) -> None:
    """Read entries from both ends of each stream, and of long ones from between."""
    each = max(4, entries // (2 + _STREAM_PLACES))
    ends = _replies(
        control,
        [
            command
            for key in keys
            for command in (
                ("XLEN", key),
                ("XRANGE", key, "-", "+", "COUNT", each),
                ("XREVRANGE", key, "+", "-", "COUNT", each),
            )
        ],
    )
    found: dict[bytes, dict[bytes, Any]] = {}
    between: list[tuple[bytes, Command]] = []
    places = random.Random(seed)
    for place, key in enumerate(keys):
        length, first, last = ends[3 * place : 3 * place + 3]
        if not first or not last:
            continue
        found[key] = dict([*first, *last])
        if length > 2 * each:
            rows.partial += length > (2 + _STREAM_PLACES) * each
            span = _milliseconds(first[-1]), _milliseconds(last[-1])
            for _ in range(_STREAM_PLACES):
                start = places.randint(min(span), max(span))
                between.append((key, ("XRANGE", key, start, "+", "COUNT", each)))
    pages = _replies(control, [command for _, command in between])
    for (key, _), page in zip(between, pages, strict=True):
        found[key].update(page or [])
    _count_keys(rows, len(keys), len(found))
    for key, stream in found.items():
        for entry in stream.values():
            # Of a field that comes twice the last counts, as for a scan.
            rows.add(Row(key, _pairs(entry)))


def _milliseconds(entry: Sequence[bytes]) -> int:
    return int(entry[0].partition(b"-")[0])


def _count_keys(rows: Rows, asked: int, found: int) -> None:
    rows.keys += found
    rows.left_out[GONE] += asked - found


def _pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _replies(control: redis.Redis, commands: Sequence[Command]) -> list[Any]:
    """Send commands in few round trips; None for a key that is of another type."""
    replies: list[Any] = []
    for start in range(0, len(commands), 1000):
        with control.pipeline(transaction=False) as pipeline:
            for command in commands[start : start + 1000]:
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
            replies += pipeline.execute(raise_on_error=False)
    return [_checked(reply) for reply in replies]


def _checked(reply: Any) -> Any:
    if not isinstance(reply, Exception):
        return reply
    if isinstance(reply, redis.ResponseError) and str(reply).startswith(_WRONG_TYPE):
        return None
    raise reply
