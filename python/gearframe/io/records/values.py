"""The values of keys of one type: from rows of a scan to one Python object a key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from gearframe.io.definition import Column, Kind
from gearframe.io.options import scan_source
from gearframe.io.records.streams import streams_of
from gearframe.io.records.texts import name_of, names_of, texts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from gearframe.client import Client
    from gearframe.io.options import ScanOptions

Values: TypeAlias = list[tuple[bytes, Any]]

_BATCH_ROWS = 20_000

GATHERED = frozenset(["hash", "list", "set", "zset"])
"""Types of which a value is many rows. All keys of one call are in memory together."""


def values_of(
    client: Client, kind: str, keys: Sequence[bytes], fields: Collection[str] | None
) -> Iterator[Values]:
    """Read the values of keys that are of one type, in batches of key and value.

    Parameters
    ----------
    client : Client
        The server.
    kind : str
        What ``TYPE`` has answered for the keys.
    keys : sequence of bytes
        Their names; of types in ``GATHERED`` so many as fit in memory together.
    fields : collection of str, optional
        Of hashes read only these.

    Returns
    -------
    iterator of list of (bytes, object)
        Without the keys that are gone, or of another type by now.
    """
    if kind == "hash" and fields is not None:
        return _some_fields(client, keys, sorted(fields))
    if kind == "stream":
        return streams_of(client, keys)
    reader = _READERS.get(kind)
    # What other modules keep has no value here, and the key has been there when it was asked for
    # its type.
    return reader(client, keys) if reader is not None else iter([[(key, None) for key in keys]])


def _frames(
    client: Client, kind: Kind, keys: Sequence[bytes], columns: Sequence[Column], **elements: Any
) -> Iterator[pl.DataFrame]:
    options: ScanOptions = {
        "keys": keys,
        "key_column": "key",
        "key_dtype": pl.Binary,
        "batch_size": _BATCH_ROWS,
    }
    source = scan_source(client, kind, "*", columns, options, elements=elements)
    names = ["key", *(column.name for column in columns)]
    return (frame for frame in source(names, None, None, None) if frame.height)


def _binary(name: str, origin: str) -> Column:
    return Column(name, pl.Binary(), {"from": origin})


def _strings(client: Client, keys: Sequence[bytes]) -> Iterator[Values]:
    for frame in _frames(client, "strings", keys, [_binary("value", "value")]):
        yield list(zip(frame["key"], texts_of(frame["value"]), strict=True))


def _documents(client: Client, keys: Sequence[bytes]) -> Iterator[Values]:
    columns = [Column("document", pl.String(), {"from": "document"})]
    for frame in _frames(client, "json", keys, columns):
        yield list(zip(frame["key"], map(json.loads, frame["document"]), strict=True))


def _some_fields(client: Client, keys: Sequence[bytes], fields: Sequence[str]) -> Iterator[Values]:
    columns = [
        Column(f"field {i}", pl.Binary(), {"from": "field", "field": name})
        for i, name in enumerate(fields)
    ]
    for frame in _frames(client, "hashes", keys, columns):
        rows = zip(*(texts_of(frame[column.name]) for column in columns), strict=True)
        found = [
            {name: value for name, value in zip(fields, row, strict=True) if value is not None}
            for row in rows
        ]
        yield list(zip(frame["key"], found or [{}] * frame.height, strict=True))


def _hashes(client: Client, keys: Sequence[bytes]) -> Iterator[Values]:
    columns = [_binary("name", "name"), _binary("value", "value")]

    def pairs(frame: pl.DataFrame) -> list[Any]:
        return list(zip(names_of(frame["name"]), texts_of(frame["value"]), strict=True))

    return _gathered(_frames(client, "fields", keys, columns), pairs, dict)


def _lists(client: Client, keys: Sequence[bytes]) -> Iterator[Values]:
    frames = _frames(client, "lists", keys, [_binary("value", "value")], range=[0, -1])
    return _gathered(frames, lambda frame: list(texts_of(frame["value"])), list)


def _sets(client: Client, keys: Sequence[bytes]) -> Iterator[Values]:
    frames = _frames(client, "sets", keys, [_binary("value", "value")])
    return _gathered(frames, lambda frame: list(names_of(frame["value"])), set)


def _zsets(client: Client, keys: Sequence[bytes]) -> Iterator[Values]:
    columns = [_binary("value", "value"), Column("score", pl.Float64(), {"from": "score"})]

    def pairs(frame: pl.DataFrame) -> list[Any]:
        return list(zip(frame["score"], frame["value"], strict=True))

    def by_score(scored: list[tuple[float, bytes]]) -> dict[str | bytes, float]:
        # A large set comes in no order. The server's is by score, then by the bytes.
        return {name_of(member): score for score, member in sorted(scored)}

    frames = _frames(client, "zsets", keys, columns, by="rank", range=[0, -1])
    return _gathered(frames, pairs, by_score)


def _gathered(
    frames: Iterator[pl.DataFrame],
    elements: Callable[[pl.DataFrame], list[Any]],
    build: Callable[[list[Any]], Any],
) -> Iterator[Values]:
    """Make one value of the rows of each key.

    They need not follow each other: of a large key the rest comes when other keys have come.
    """
    found: dict[bytes, list[Any]] = {}
    for frame in frames:
        rows = elements(frame)
        runs = frame["key"].rle().struct.unnest()
        start = 0
        for length, key in zip(runs["len"], runs["value"], strict=True):
            found.setdefault(key, []).extend(rows[start : start + length])
            start += length
    yield [(key, build(rows)) for key, rows in found.items()]


_READERS: dict[str, Callable[[Client, Sequence[bytes]], Iterator[Values]]] = {
    "string": _strings,
    "hash": _hashes,
    "list": _lists,
    "set": _sets,
    "zset": _zsets,
    "ReJSON-RL": _documents,
}
