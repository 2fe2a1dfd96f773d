"""The keys that match a pattern, page by page, with their types and values.

``SCAN`` and ``TYPE`` come from a scan of the keyspace, so that each key comes exactly once; the
values of a page are read type by type, all keys of a type pipelined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import polars as pl

from gearframe.exceptions import KeyChangedError
from gearframe.interrupts import LateInterrupt
from gearframe.io.definition import Column
from gearframe.io.options import as_bytes, scan_source
from gearframe.io.records.texts import name_of, names_of
from gearframe.io.records.values import GATHERED, values_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from gearframe.client import Client

Record: TypeAlias = dict[str, Any]

# What a record's 'type' is called, by what TYPE answers; other types come from modules.
TYPES = frozenset(["string", "list", "hash", "set", "zset", "stream"])
_PAGE_KEYS = 10_000
_ELEMENTS = 20_000
_ROUNDS = 10


def read_records(
    client: Client,
    pattern: str | bytes,
    *,
    what: str = "value",
    fields: Collection[str] | None = None,
    read_value: bool = True,
) -> Iterator[list[Record]]:
    """Read all keys that match a pattern, in batches.

    Every key that exists from the start to the end comes exactly once, or the run fails with an
    error. Memory is bounded by a page of 10,000 names, and by 20,000
    elements or one key.

    Parameters
    ----------
    client : Client
        The server.
    pattern : str or bytes
        Redis' glob pattern.
    what : {"key", "type", "value"}, default "value"
        What is looked at; the rest of each record is None.
    fields : collection of str, optional
        Of hashes read only these.
    read_value : bool, default True
        False for records of the key and the event alone.

    Returns
    -------
    iterator of list of dict
        Records ``{'key', 'value', 'type', 'event'}``. Closing it ends the scan.

    Notes
    -----
    Sends ``SCAN``, ``TYPE`` for each key, for whole collections their length, and by type
    ``HSCAN`` (``HMGET`` with ``fields``), ``MGET``, ``LRANGE``, ``SSCAN``, ``ZRANGE``, ``XRANGE``,
    ``JSON.GET``; see `scan_hashes` and its like. Each page opens a connection or more for each
    type that it has.

    Examples
    --------
    >>> from gearframe.io.records.read import read_records
    >>> client = gf.connect()
    >>> client.execute("HSET", "user:1", "name", "Ann")
    1
    >>> list(read_records(client, "user:*"))
    [[{'key': 'user:1', 'value': {'name': 'Ann'}, 'type': 'hash', 'event': None}]]
    """
    if not read_value or what == "key":
        for page in _pages(client, pattern, None, ()):
            yield [_named(key, read_value=read_value) for key in page.keys]
    elif what == "type":
        for page in _pages(client, pattern, None, ("type",)):
            yield [_record(name_of(key), None, kind) for key, kind in page.typed()]
    else:
        facts = ("type", "length") if fields is None else ("type",)
        for page in _pages(client, pattern, None, facts):
            yield from _with_values(client, page, fields)


def read_record(
    client: Client,
    key: str | bytes,
    *,
    fields: Collection[str] | None = None,
    read_value: bool = True,
) -> Record:
    """Read one key by its name.

    Parameters
    ----------
    client, fields, read_value
        As for `read_records`.
    key : str or bytes
        The name; no pattern.

    Returns
    -------
    dict
        A record; of type ``empty`` where there is no such key.
    """
    raw = as_bytes(key)
    if not read_value:
        return _named(raw, read_value=False)
    for page in _pages(client, "*", [raw], ("type",)):
        for batch in _with_values(client, page, fields):
            return batch[0]
    return {**_named(raw, read_value=True), "type": "empty"}


def _record(name: str | bytes, value: Any, kind: str) -> Record:
    return {"key": name, "value": value, "type": kind if kind in TYPES else "module", "event": None}


def _named(key: bytes, *, read_value: bool) -> Record:
    name = name_of(key)
    if not read_value:
        return {"key": name, "event": None}
    return {"key": name, "value": None, "type": None, "event": None}


class _Page(NamedTuple):
    """Keys with what has been asked of them."""

    keys: list[bytes]
    types: list[str]
    lengths: list[int | None]

    def typed(self) -> Iterator[tuple[bytes, str]]:
        return zip(self.keys, self.types, strict=True)

    def of_type(self, kind: str) -> _Page:
        chosen = [place for place, each in enumerate(self.types) if each == kind]
        lengths = [self.lengths[place] for place in chosen] if self.lengths else []
        return _Page([self.keys[place] for place in chosen], [kind] * len(chosen), lengths)


def _pages(
    client: Client, pattern: str | bytes, keys: Sequence[bytes] | None, facts: Sequence[str]
) -> Iterator[_Page]:
    dtypes = {"type": pl.String(), "length": pl.UInt64()}
    source = scan_source(
        client,
        "keys",
        pattern,
        [Column(name, dtypes[name], {"from": name}) for name in facts],
        {"keys": keys, "key_column": "key", "key_dtype": pl.Binary, "batch_size": _PAGE_KEYS},
        elements={"type": None},
    )
    for frame in source(["key", *facts], None, None, None):
        if frame.height:
            yield _Page(
                frame["key"].to_list(),
                frame["type"].to_list() if "type" in facts else [],
                frame["length"].to_list() if "length" in facts else [],
            )


def _with_values(
    client: Client, page: _Page, fields: Collection[str] | None
) -> Iterator[list[Record]]:
    """Read the values of a page. A key that has another type by now is asked for it again."""
    for _ in range(_ROUNDS):
        missing: list[bytes] = []
        for kind in dict.fromkeys(page.types):
            of_type = page.of_type(kind)
            left = set(of_type.keys)
            for keys in _parts(client, of_type, kind, fields):
                for batch in values_of(client, kind, keys, fields):
                    left.difference_update(key for key, _ in batch)
                    if batch:
                        yield _records(batch, kind)
            missing += left
        if not missing:
            return
        pages = list(_pages(client, "*", missing, ("type",)))
        page = _Page([k for p in pages for k in p.keys], [t for p in pages for t in p.types], [])
    error = KeyChangedError(
        f"key {name_of(missing[0])!r} had another type each of the {_ROUNDS} times that it was "
        "read; try again when fewer writers replace it"
    )
    error.key = missing[0]
    raise error


def _parts(
    client: Client, page: _Page, kind: str, fields: Collection[str] | None
) -> Iterator[Sequence[bytes]]:
    """Cut a page of one type into parts whose values can be in memory together."""
    if kind not in GATHERED or (kind == "hash" and fields is not None):
        yield page.keys
        return
    sizes = dict(zip(page.keys, page.lengths, strict=True)) if page.lengths else {}
    if not sizes and len(page.keys) > 1:
        for again in _pages(client, "*", page.keys, ("length",)):
            sizes |= zip(again.keys, again.lengths, strict=True)
    part: list[bytes] = []
    elements = 0
    for key in page.keys:
        # A key that is gone, or has another type, has none.
        size = sizes.get(key) or 0
        if part and elements + size > _ELEMENTS:
            yield part
            part, elements = [], 0
        part.append(key)
        elements += size
    yield part


def _records(batch: Sequence[tuple[bytes, Any]], kind: str) -> list[Record]:
    with LateInterrupt():
        names = names_of(pl.Series([key for key, _ in batch], dtype=pl.Binary))
    return [_record(name, value, kind) for name, (_, value) in zip(names, batch, strict=True)]
