"""Elements that are there all the time come exactly once, while a writer works on many keys."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.exceptions import KeyChangedError
from tests.integration.whole_runs import whole_run

SEEDS = [20240229, 42]
ROUNDS = 12
SMALL = 20
STABLE = {"small": 50, "large": 2_000}
KEYS = [*(f"small:{number}" for number in range(SMALL)), "large"]


def stable(key: str) -> list[str]:
    return [f"stable:{number}" for number in range(STABLE[key.partition(":")[0]])]


def fill(client: redis.Redis) -> None:
    for key in KEYS:
        names = stable(key)
        client.sadd(f"set:{key}", *names)
        client.zadd(f"zset:{key}", {name: place for place, name in enumerate(names)})
        client.hset(f"hash:{key}", mapping=dict.fromkeys(names, "x"))
        client.rpush(f"list:{key}", *names)
        pipe = client.pipeline(transaction=False)
        for place, name in enumerate(names, 1):
            pipe.xadd(f"stream:{key}", {"n": name}, id=f"{1_000 + place}-1")
        pipe.execute()


class Writer:
    """Adds and removes everything but the stable elements, and moves those of sorted sets."""

    def __init__(self, url: str, seed: int) -> None:
        self.random = random.Random(seed)
        self.client = redis.Redis.from_url(url, protocol=2)
        self.cycles = 0
        self.stop = threading.Event()
        self.next_id = 1_000_000

    def run(self) -> None:
        while not self.stop.is_set():
            # Some cycles are for the large keys alone, whose tables then grow and shrink.
            keys = self.random.choice([["large"], KEYS])
            for key in keys:
                self.change(key, 3_000 if keys == ["large"] else 20)
            self.cycles += 1

    def change(self, key: str, count: int) -> None:
        names = [f"volatile:{n}" for n in self.random.sample(range(4 * count), count)]
        pipe = self.client.pipeline(transaction=False)
        pipe.sadd(f"set:{key}", *names)
        pipe.hset(f"hash:{key}", mapping=dict.fromkeys(names, "y"))
        pipe.zadd(f"zset:{key}", {name: self.random.uniform(-9, 9) for name in names})
        for name in self.random.sample(stable(key), 5):
            pipe.zincrby(f"zset:{key}", self.random.uniform(-99, 99), name)
        pipe.lpush(f"list:{key}", *names[:5])
        self.next_id += 1
        pipe.xadd(f"stream:{key}", {"n": "volatile"}, id=f"{self.next_id}-0")
        pipe.execute()
        pipe.srem(f"set:{key}", *names)
        pipe.hdel(f"hash:{key}", *names)
        pipe.zrem(f"zset:{key}", *names)
        pipe.lpop(f"list:{key}", 5)
        pipe.xdel(f"stream:{key}", f"{self.next_id - 1}-0")
        pipe.execute()


@contextmanager
def writing(url: str, seed: int) -> Iterator[Writer]:
    writer = Writer(url, seed)
    thread = threading.Thread(target=writer.run)
    thread.start()
    try:
        yield writer
    finally:
        writer.stop.set()
        thread.join()
        writer.client.close()


def check(frame: pl.DataFrame, element: str, kind: str) -> None:
    """Check that each stable element of each key came once."""
    for (key,), rows in frame.group_by("_key"):
        found = rows.filter(pl.col(element).str.starts_with("stable:"))[element]
        assert sorted(found) == sorted(stable(str(key).removeprefix(f"{kind}:"))), key


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("protocol", [2, 3])
def test_stable_elements_come_exactly_once(
    url: str, redis_client: redis.Redis, seed: int, protocol: int
) -> None:
    fill(redis_client)
    client = gf.connect(url, protocol=protocol, retries=0)  # type: ignore[arg-type]
    with writing(url, seed) as writer:
        for _ in range(ROUNDS):
            before = writer.cycles
            scans = {
                "set": (gf.scan_sets(client, "set:*"), "member"),
                "zset": (gf.scan_zsets(client, "zset:*"), "member"),
                "hash": (gf.scan_hashes(client, "hash:*", format="long"), "field"),
                "list": (gf.scan_lists(client, "list:small:*"), "element"),
                "stream": (gf.scan_streams(client, "stream:*", {"n": pl.String}), "n"),
            }
            for kind, (lf, element) in scans.items():
                frame, report = whole_run(lf)
                assert report.keys_read == SMALL + (kind != "list"), kind
                check(frame, element, kind)
                if element in ("member", "field"):
                    assert frame.select("_key", element).n_unique() == frame.height, kind
            # A list that comes in pieces either comes as it was at one moment, or not at all.
            try:
                frame = gf.read_lists(client, "list:large")
            except KeyChangedError as error:
                assert "was changed while its" in str(error)  # noqa: PT017 - both are right
            else:
                check(frame, "element", "list")
            while writer.cycles == before:
                assert not writer.stop.wait(0.001)
    assert writer.cycles >= ROUNDS
