"""Every key that is there all the time comes exactly once, while the server's table resizes."""

from __future__ import annotations

import polars as pl
import pytest
import redis

import gearframe as gf
from tests.integration.churn import Churn
from tests.servers.scripted import ScriptedServer

STABLE = 400
ROUNDS = 100
MOST_ROUNDS = 20 * ROUNDS
"""Scans and writer take turns as the machine wants: rounds go on until there was enough of both."""
SEEDS = [20240229, 42]


@pytest.mark.parametrize("seed", SEEDS)
def test_stable_keys_come_exactly_once(url: str, redis_client: redis.Redis, seed: int) -> None:
    stable = {f"stable:{i}" for i in range(STABLE)}
    for key in stable:
        redis_client.hset(key, mapping={"n": "1", "m": "2"})
    sizes = set()
    repeated = 0
    with Churn(url, seed) as churn:
        for turn in range(MOST_ROUNDS):
            # Keys alone, one field (HMGET) and all fields (HGETALL) take turns.
            schema = [{}, {"n": pl.Int8}, {"n": pl.Int8, "m": pl.Int8}][turn % 3]
            lf = gf.scan_hashes(url, "*", schema, scan_count=10 + turn % 40)
            frame = lf.collect()
            keys = frame["_key"]
            assert keys.n_unique() == keys.len(), f"round {turn}: a key came twice"
            missing = stable - set(keys)
            assert not missing, f"round {turn}: {missing} did not come"
            assert frame.null_count().sum_horizontal().item() == 0, f"round {turn}: a null"
            (report,) = gf.reports(lf)
            assert report.finished
            assert report.keys_seen == (
                report.rows + report.rows_skipped + report.keys_vanished + report.keys_of_other_type
            )
            repeated += report.keys_repeated
            sizes.add(keys.len())
            has_moved = max(sizes) > 2 * STABLE and repeated > 0 and churn.cycles >= ROUNDS // 2
            if turn + 1 >= ROUNDS and has_moved:
                break
    # The keyspace did grow and shrink meanwhile, and SCAN did return keys again.
    assert churn.cycles >= ROUNDS // 2
    assert churn.written >= 10_000 * churn.cycles // 2
    assert max(sizes) > 2 * STABLE
    assert repeated > 0


def bulk(*texts: bytes) -> bytes:
    """An array of texts, as RESP writes it."""
    return b"*%d\r\n" % len(texts) + b"".join(b"$%d\r\n%s\r\n" % (len(t), t) for t in texts)


def test_keys_that_scan_returns_again_are_counted() -> None:
    pages = {
        b"0": b"*2\r\n$1\r\n7\r\n" + bulk(b"a", b"b", b"a"),
        b"7": b"*2\r\n$1\r\n9\r\n" + bulk(),
        b"9": b"*2\r\n$1\r\n0\r\n" + bulk(b"b", b"", b"c", b"a", b""),
    }

    def answer(words: list[bytes]) -> bytes:
        match words[0].upper():
            case b"SCAN":
                return pages[words[1]]
            case b"HMGET":
                return bulk(b"1")
            case b"HELLO":
                return b"-ERR unknown command\r\n"
        return b"+OK\r\n"

    with ScriptedServer(answer) as server:
        lf = gf.scan_hashes(f"redis://127.0.0.1:{server.port}", "*", {"n": pl.Int8})
        assert lf.collect()["_key"].to_list() == ["a", "b", "", "c"]
        report = gf.reports(lf)[0]
        assert (report.keys_seen, report.keys_repeated, report.rows) == (4, 4, 4)
        assert sum(words[0] == b"HMGET" for words in server.received) == 4
