"""What a server refuses at the last moment: the old value stays, and nothing is left for ever."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from tests.servers.fixtures import FreshServer

SAMPLES = pl.DataFrame({"_key": ["t"] * 3, "_ts": [1000, 2000, 3000], "value": [1.0, 2.0, 3.0]})
ENTRIES = pl.DataFrame({"_key": ["s"] * 3, "a": [1, 2, 3]})


@pytest.mark.parametrize("command", ["unlink", "rename", "persist"])
def test_a_series_stays_when_the_script_may_not_replace_it(
    fresh_server: FreshServer, command: str
) -> None:
    server = fresh_server("stack74", users=[f"writer on >secret ~* +@all -{command}"])
    url = server.url.replace("redis://", "redis://writer:secret@")
    with redis.Redis.from_url(server.url) as client:
        client.ts().add("t", 1, 7)
        report = gf.write_timeseries(SAMPLES, url, on_failure="report")
        assert list(report.failed) == [b"t"]
        assert client.ts().range("t", "-", "+") == [(1, 7.0)]
        assert client.ttl("t") == -1
        for name in client.keys("gearframe:*"):
            assert 0 < client.pttl(name) <= 600_000


@pytest.mark.parametrize("ttl", [None, 100_000])
@pytest.mark.parametrize("lazy", [False, True])
def test_a_temporary_key_that_cannot_have_the_name_expires(
    fresh_server: FreshServer, ttl: int | None, lazy: bool
) -> None:
    server = fresh_server(users=["writer on >secret ~* +@all -unlink"])
    url = server.url.replace("redis://", "redis://writer:secret@")
    large = pl.DataFrame({"_key": ["k"] * 10_000, "element": range(10_000)})
    given = large.lazy() if lazy else large
    with redis.Redis.from_url(server.url) as client:
        client.set("k", "old")
        report = gf.write_lists(given, url, if_exists="fail", ttl=ttl, on_failure="report")
        assert "stays until it expires" in report.failed[b"k"]
        [name] = client.keys("gearframe:*")
        assert 0 < client.pttl(name) <= 600_000


def test_of_samples_that_are_refused_together_none_counts(fresh_server: FreshServer) -> None:
    server = fresh_server("stack74", users=["writer on >secret ~other +@all"])
    url = server.url.replace("redis://", "redis://writer:secret@")
    report = gf.write_timeseries(SAMPLES, url, if_exists="append", on_failure="report")
    assert report.elements == 0
    assert report.failed[b"t"].startswith("NOPERM")
    assert "added" not in report.failed[b"t"]


@pytest.mark.parametrize(
    "minid",
    ["soon", -5, "", "1-", "-1", "*", "1-*", "1-2-3", " 1", "\u0661", 2**64, "0" * 128, True],
)
def test_a_wrong_minid_is_found_before_anything_is_sent(
    url: str, redis_client: redis.Redis, minid: Any
) -> None:
    redis_client.xadd("s", {"a": "old"}, id="1-1")
    with pytest.raises(gf.OptionError, match="expected an id such as"):
        gf.write_streams(ENTRIES, url, minid=minid)
    assert redis_client.xrange("s") == [(b"1-1", {b"a": b"old"})]


@pytest.mark.parametrize("minid", [0, "3", "3-1", f"{2**64 - 1}-{2**64 - 1}"])
def test_a_minid_that_is_an_id_is_taken(url: str, minid: Any) -> None:
    assert gf.write_streams(ENTRIES, url, minid=minid).written == 1


def test_an_id_that_is_too_long_leaves_the_old_stream(url: str, redis_client: redis.Redis) -> None:
    redis_client.xadd("s", {"a": "old"}, id="1-1")
    frame = pl.DataFrame({"_key": ["s"], "id": ["0" * 128 + "1-1"], "a": [1]})
    report = gf.write_streams(frame, url, id="id", on_failure="report")
    assert list(report.failed) == [b"s"]
    assert redis_client.xrange("s") == [(b"1-1", {b"a": b"old"})]
