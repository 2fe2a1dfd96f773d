"""Whole streams as Python objects, whatever their entries' fields are called.

A scan of streams wants to know the fields; here they come as they are, through redis-py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import redis

from gearframe.control import redis_client, server_errors
from gearframe.io.records.texts import name_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gearframe.client import Client

Entry: TypeAlias = dict[str, Any]

# Memory is bounded by what one round trip brings.
_KEYS = 100
_ENTRIES = 100
_PAGE = 4096


def streams_of(client: Client, keys: Sequence[bytes]) -> Iterator[list[tuple[bytes, list[Entry]]]]:
    """Read streams, in batches of key and list of ``{'id', 'value'}``.

    A stream that grows while it is read has its end where it was at the beginning. Keys that are
    gone, or of another type, are left out.

    Notes
    -----
    Sends ``XRANGE`` and ``XREVRANGE`` for each key, 100 keys in a round trip; for a stream of more
    than 100 entries ``XRANGE`` once more for each 4,096; for an empty one ``TYPE``.
    """
    with redis_client(client, protocol=2) as control, server_errors(client.options.label):
        for start in range(0, len(keys), _KEYS):
            yield _some(control, keys[start : start + _KEYS])


def _some(control: redis.Redis, keys: Sequence[bytes]) -> list[tuple[bytes, list[Entry]]]:
    commands: list[tuple[Any, ...]] = []
    for key in keys:
        commands.append(("XREVRANGE", key, "+", "-", "COUNT", 1))
        commands.append(("XRANGE", key, "-", "+", "COUNT", _ENTRIES))
    replies = _replies(control, commands)
    found: dict[bytes, list[Entry]] = {}
    empty = []
    for key, last, first in zip(keys, replies[::2], replies[1::2], strict=True):
        if last and first:
            found[key] = _entries(first)
            if len(first) == _ENTRIES:
                found[key] += _rest(control, key, first[-1][0], last[0][0])
        elif first is not None:
            empty.append(key)
    types = _replies(control, [("TYPE", key) for key in empty])
    found |= {key: [] for key, kind in zip(empty, types, strict=True) if kind == b"stream"}
    return list(found.items())


def _rest(control: redis.Redis, key: bytes, after: bytes, end: bytes) -> list[Entry]:
    entries: list[Entry] = []
    while True:
        command = ("XRANGE", key, b"(" + after, end, "COUNT", _PAGE)
        (page,) = _replies(control, [command])
        if not page:
            return entries
        entries += _entries(page)
        after = page[-1][0]


def _entries(page: Sequence[tuple[bytes, Any]]) -> list[Entry]:
    return [
        {"id": entry_id.decode(), "value": {name_of(n): text_of(v) for n, v in fields.items()}}
        for entry_id, fields in page
    ]


def _replies(control: redis.Redis, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Send commands in one round trip; None for a key that is of another type."""
    with control.pipeline(transaction=False) as pipeline:
        for command in commands:
            pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
        replies = pipeline.execute(raise_on_error=False)
    for place, reply in enumerate(replies):
        if isinstance(reply, redis.ResponseError) and str(reply).startswith("WRONGTYPE"):
            replies[place] = None
        elif isinstance(reply, Exception):
            raise reply
    return replies
