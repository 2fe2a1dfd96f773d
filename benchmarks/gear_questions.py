"""What gears are asked, each in three ways: as a script, as a loop of a client, and tuned.

The loop is what a program does without gears: redis-py with hiredis, SCAN and a pipelined HGETALL,
and the script's own functions. The tuned client is what one writes who needs the answer fast: a
raw socket, hiredis' parser, of each hash only the fields, and the next SCAN under way together
with the fetch of the page before.
"""

from __future__ import annotations

import socket
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import hiredis
import redis

from benchmarks.gear_server import KEYS
from benchmarks.servers import BenchServer

PAGE = 1000
_CHUNK = 1 << 20

Record = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """A question over all hashes, and how each contestant answers it."""

    title: str
    script: str
    loop: Callable[[Iterable[Record]], Any]
    fields: tuple[str, ...]
    """What the tuned client fetches; nothing for all of the hash."""
    tuned: Callable[[Iterator[list[Any]]], Any]
    """Over pages of replies: HGET's, HMGET's or HGETALL's."""
    plain: Callable[[list[Any]], Any]
    """The results of the script, as the loop gives them."""


def _by_key(results: list[Any]) -> Any:
    return {each["key"]: each["value"] for each in results}


def _only(results: list[Any]) -> Any:
    return results[0]


def _countby(records: Iterable[Record]) -> Any:
    return Counter(map(_country, records))


def _country(x: Record) -> Any:
    return x["value"]["country"]


def _countby_tuned(pages: Iterator[list[Any]]) -> Any:
    counts: Counter[bytes] = Counter()
    for page in pages:
        counts.update(page)
    return {country.decode(): count for country, count in counts.items()}


def _filter(records: Iterable[Record]) -> Any:
    return sum(1 for _ in filter(lambda x: int(x["value"]["age"]) > 30, records))


def _filter_tuned(pages: Iterator[list[Any]]) -> Any:
    return sum(sum(int(age) > 30 for age in page) for page in pages)


def _sums(records: Iterable[Record]) -> Any:
    totals: defaultdict[str, int] = defaultdict(int)
    for x in records:
        totals[x["value"]["country"]] += int(x["value"]["visits"])
    return totals


def _sums_tuned(pages: Iterator[list[Any]]) -> Any:
    totals: defaultdict[bytes, int] = defaultdict(int)
    for page in pages:
        for country, visits in page:
            totals[country] += int(visits)
    return {country.decode(): total for country, total in totals.items()}


def _whole(records: Iterable[Record]) -> Any:
    return sum(map(_length, records))


def _length(x: Record) -> int:
    return sum(map(len, x["value"].values()))


def _whole_tuned(pages: Iterator[list[Any]]) -> Any:
    return sum(sum(sum(map(len, flat[1::2])) for flat in page) for page in pages)


QUESTIONS = (
    Question(
        "count by country",
        f"GB().map(lambda x: x['value']['country']).countby().run('{KEYS}')",
        _countby,
        ("country",),
        _countby_tuned,
        _by_key,
    ),
    Question(
        "filter by age and count",
        f"GB().filter(lambda x: int(x['value']['age']) > 30).count().run('{KEYS}')",
        _filter,
        ("age",),
        _filter_tuned,
        _only,
    ),
    Question(
        "sum of visits by country",
        "GB().aggregateby(lambda x: x['value']['country'], 0, "
        "lambda k, a, x: a + int(x['value']['visits']), lambda k, a, b: a + b)"
        f".run('{KEYS}')",
        _sums,
        ("country", "visits"),
        _sums_tuned,
        _by_key,
    ),
    Question(
        "look at all of each record",
        "GB().map(lambda x: sum(map(len, x['value'].values())))"
        f".aggregate(0, lambda a, n: a + n, lambda a, n: a + n).run('{KEYS}')",
        _whole,
        (),
        _whole_tuned,
        _only,
    ),
)


def records(client: redis.Redis) -> Iterator[Record]:
    """Read records as a client does: SCAN, and a pipelined HGETALL for each page."""
    cursor = -1
    while cursor != 0:
        cursor, keys = client.scan(max(cursor, 0), match=KEYS, count=PAGE)
        pipeline = client.pipeline(transaction=False)
        for key in keys:
            pipeline.hgetall(key)
        for key, value in zip(keys, pipeline.execute(), strict=True):
            yield {"key": key, "value": value, "type": "hash", "event": None}


def pages(server: BenchServer, fields: tuple[str, ...]) -> Iterator[list[Any]]:
    """Give the replies to HGET, HMGET or HGETALL of all keys, page by page."""
    head, tail = _command(fields)
    scan = b"*6\r\n$4\r\nSCAN\r\n%b$5\r\nMATCH\r\n%b$5\r\nCOUNT\r\n%b"
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(str(server.socket_path))
        reader = hiredis.Reader()
        wire.sendall(scan % (_bulk(b"0"), _bulk(KEYS.encode()), _bulk(b"%d" % PAGE)))
        cursor, keys = _replies(wire, reader, 1)[0]
        while True:
            ask = [head + _bulk(key) + tail for key in keys]
            more = cursor != b"0"
            if more:
                ask.append(scan % (_bulk(cursor), _bulk(KEYS.encode()), _bulk(b"%d" % PAGE)))
            wire.sendall(b"".join(ask))
            replies = _replies(wire, reader, len(ask))
            if not more:
                yield replies
                return
            cursor, keys = replies.pop()
            yield replies


def _command(fields: tuple[str, ...]) -> tuple[bytes, bytes]:
    """Give what stands before and behind the key."""
    name = b"HGETALL" if not fields else b"HGET" if len(fields) == 1 else b"HMGET"
    words = [_bulk(field.encode()) for field in fields]
    return b"*%d\r\n" % (2 + len(words)) + _bulk(name), b"".join(words)


def _bulk(data: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(data), data)


def _replies(wire: socket.socket, reader: hiredis.Reader, count: int) -> list[Any]:
    found: list[Any] = []
    while len(found) < count:
        reply = reader.gets()
        if reply is False:
            reader.feed(wire.recv(_CHUNK))
        else:
            found.append(reply)
    return found
