"""Vector sets: every member once with its vector, in pipelines of bounded size."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from tests.integration.busy import busy
from tests.integration.commandstats import counted
from tests.servers.fixtures import FreshServer
from tests.servers.scripted import ScriptedServer, by_command

pytestmark = pytest.mark.servers("redis82")


@pytest.fixture
def raw(url: str) -> Iterator[redis.Redis]:
    """A redis-py client that gives replies as they come."""
    with redis.Redis.from_url(url, protocol=2) as client:
        yield client


@pytest.fixture(params=[2, 3])
def client(request: pytest.FixtureRequest, url: str) -> Iterator[gf.Client]:
    with gf.connect(url, protocol=request.param) as client:
        yield client


def fill(raw: redis.Redis, key: str, count: int, *options: str, dim: int = 3) -> None:
    pipeline = raw.pipeline(transaction=False)
    for n in range(count):
        vector = [n + 0.5, -1.0, *[1.0 / 3] * (dim - 2)]
        pipeline.execute_command("VADD", key, "VALUES", dim, *vector, f"m{n}", *options)
    pipeline.execute()


def loop(raw: redis.Redis, *keys: str) -> dict[tuple[str, str], list[float]]:
    """What a loop over the members reads, in the 32 bits that the server keeps."""
    found = {}
    for key in keys:
        for member in raw.execute_command("VRANDMEMBER", key, 10**9):
            texts = raw.execute_command("VEMB", key, member)
            packed = struct.pack(f"{len(texts)}f", *map(float, texts))
            found[key, member.decode()] = list(struct.unpack(f"{len(texts)}f", packed))
    return found


def adding(raw: redis.Redis, n: int) -> None:
    raw.execute_command("VADD", "v", "VALUES", 3, n, 1, 1, f"volatile:{n % 50}", "NOQUANT")


def removing(raw: redis.Redis, n: int) -> None:
    raw.execute_command("VREM", "v", f"volatile:{n * 7 % 50}")


def rows(frame: pl.DataFrame) -> dict[tuple[str, str], list[float]]:
    assert frame.select("_key", "member").is_unique().all()
    return {(key, member): list(vector) for key, member, vector in frame.rows()}


@pytest.mark.parametrize("options", [("NOQUANT",), ("Q8",), ("BIN",)])
def test_as_a_loop_reads_them(
    client: gf.Client, raw: redis.Redis, options: tuple[str, ...]
) -> None:
    sizes = {"large": 5000, **{f"small:{n}": n % 5 + 1 for n in range(200)}}
    for key, size in sizes.items():
        fill(raw, key, size, *options)
    frame = client.read_vectors("*", 3)
    assert frame.schema == {
        "_key": pl.String, "member": pl.String, "vector": pl.Array(pl.Float32, 3)
    }  # fmt: skip
    assert rows(frame) == loop(raw, *sizes)


def test_unquantised_vectors_come_as_they_were_added(client: gf.Client, raw: redis.Redis) -> None:
    raw.execute_command("VADD", "v", "VALUES", 3, 1, 0.5, 0.25, "a", "NOQUANT")
    assert rows(client.read_vectors("v", 3)) == {("v", "a"): [1.0, 0.5, 0.25]}


def test_small_sets_share_round_trips(client: gf.Client, raw: redis.Redis) -> None:
    for n in range(500):
        fill(raw, f"v:{n}", 2)
    lf = client.scan_vectors("v:*", 3)
    before = raw.info("stats")["total_reads_processed"]
    with counted(raw) as calls:
        assert lf.collect().height == 1000
    assert calls == {"scan": calls["scan"], "vrandmember": 500, "vemb": 1000}
    assert raw.info("stats")["total_reads_processed"] - before < 150
    report = gf.reports(lf)[0]
    assert (report.keys_seen, report.keys_read, report.rows) == (500, 500, 1000)


def test_only_the_columns_asked_for_are_fetched(client: gf.Client, raw: redis.Redis) -> None:
    fill(raw, "v", 300)
    lf = client.scan_vectors("v", 3)
    with counted(raw) as calls:
        members = lf.select("member").collect()["member"]
        assert lf.select(pl.len()).collect().item() == 300
    assert sorted(members) == sorted(f"m{n}" for n in range(300))
    assert "vemb" not in calls
    assert "VEMB" in gf.explain(lf)
    assert "VEMB" not in gf.explain(lf.select("member"))


@pytest.mark.parametrize("count", [1, 5, 299, 300, 700, 5000])
def test_the_first_rows_cost_as_many_vectors(
    client: gf.Client, raw: redis.Redis, count: int
) -> None:
    fill(raw, "v:1", 300)
    fill(raw, "v:2", 900)
    lf = client.scan_vectors("v:*", 3).head(count)
    with counted(raw) as calls:
        frame = lf.collect()
    assert frame.height == min(count, 1200)
    assert calls["vemb"] == frame.height
    expected = loop(raw, "v:1", "v:2")
    assert all(expected[name] == vector for name, vector in rows(frame).items())


@pytest.mark.parametrize("vectors", [True, False])
def test_a_few_rows_out_of_many_that_do_not_fit(
    client: gf.Client, raw: redis.Redis, vectors: bool
) -> None:
    fill(raw, "v:1", 600)
    raw.execute_command("VADD", "v:1", "VALUES", 3, 1, 1, 1, "7")
    lf = client.scan_vectors("v:*", 3, member_dtype=pl.Int64, on_error="skip")
    lf = lf if vectors else lf.select("_key", "member")
    for count in (1, 2, 500):
        assert lf.head(count).collect()["member"].to_list() == [7]


def test_each_key_counts_once_whatever_it_is(client: gf.Client, raw: redis.Redis) -> None:
    fill(raw, "v", 2)
    raw.set("text", "x")
    raw.sadd("set", "x")
    lf = client.scan_vectors("*", 3, keys=["v", "text", "set", "gone"])
    assert lf.collect().height == 2
    report = gf.reports(lf)[0]
    assert (report.keys_seen, report.keys_read) == (4, 1)
    assert (report.keys_of_other_type, report.keys_vanished) == (2, 1)
    assert client.read_vectors("*", 3).height == 2


def test_options_of_all_scans(client: gf.Client, raw: redis.Redis) -> None:
    raw.execute_command("VADD", "v:7", "VALUES", 2, 1, 0, b"\xff\x00", "NOQUANT")
    raw.pexpire("v:7", 100_000)
    frame = client.read_vectors(
        "*", 2, key_schema="v:{id:Int64}", include_ttl=True, member_dtype=pl.Binary,
        member_column="m", vector_column="e", row_index_name="n",
    )  # fmt: skip
    assert frame.columns == ["n", "_key", "id", "_ttl", "m", "e"]
    assert frame.drop("_ttl").rows() == [(0, "v:7", 7, b"\xff\x00", [1.0, 0.0])]
    with pytest.raises(gf.DataError, match="not String"):
        client.read_vectors("*", 2)


def test_another_dim_names_key_and_member(client: gf.Client, raw: redis.Redis) -> None:
    fill(raw, "v:3", 2)
    fill(raw, "v:4", 2, dim=4)
    with pytest.raises(gf.DataError, match=r'member "m\d" of key "v:4".* it has 4') as caught:
        client.read_vectors("v:*", 3)
    error = caught.value
    assert (error.key, error.dtype) == (b"v:4", "Array(Float32, 3)")
    assert error.value in (b"m0", b"m1")
    nulls = client.scan_vectors("v:*", 3, on_error="null")
    frame = nulls.collect()
    assert frame.filter(pl.col("vector").is_null())["_key"].to_list() == ["v:4"] * 2
    assert gf.reports(nulls)[0].values_nulled == 2
    skips = client.scan_vectors("v:*", 3, on_error="skip")
    assert skips.collect()["_key"].to_list() == ["v:3"] * 2
    assert gf.reports(skips)[0].rows_skipped == 2
    assert skips.head(2).collect()["_key"].to_list() == ["v:3"] * 2


def test_many_numbers_in_small_pieces(client: gf.Client, raw: redis.Redis) -> None:
    fill(raw, "v", 60, dim=1536)
    assert rows(client.read_vectors("v", 1536)) == loop(raw, "v")


@pytest.mark.servers("valkey91", "stack74")
def test_a_server_without_vector_sets_says_so(url: str) -> None:
    with redis.Redis.from_url(url) as raw:
        raw.set("v", "x")
    with pytest.raises(gf.ReplyError, match="vector sets need Redis 8"):
        gf.read_vectors(url, "v", 3)


# -- what no server here does ----------------------------------------------------------------------


def bulk(text: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(text), text)


def array(texts: list[bytes]) -> bytes:
    return b"*%d\r\n" % len(texts) + b"".join(map(bulk, texts))


def test_a_member_removed_meanwhile_is_left_out_and_counted() -> None:
    vectors = {b"a": array([b"1", b"2"]), b"b": b"$-1\r\n", b"c": array([b"3", b"nan"])}
    answers = {b"HELLO": b"-ERR unknown command\r\n", b"VRANDMEMBER": array([*vectors])}
    other = by_command(answers)

    def answer(args: list[bytes]) -> bytes | None:
        return vectors[args[2]] if args[0] == b"VEMB" else other(args)

    with ScriptedServer(answer) as server:
        lf = gf.scan_vectors(server.url, "*", 2, keys=["v"])
        assert str(lf.select("member", "vector").collect().rows()) == str(
            [("a", [1.0, 2.0]), ("c", [3.0, float("nan")])]
        )
    report = gf.reports(lf)[0]
    assert (report.elements_vanished, report.rows, report.keys_read) == (1, 2, 1)
    assert "elements vanished 1" in str(report)


class Redis84:
    """VRANGE as Redis 8.4 documents it, for sets whose vectors are the lengths of names."""

    def __init__(self, sets: dict[bytes, list[bytes]]) -> None:
        self.sets = {key: sorted(members) for key, members in sets.items()}
        self.counts: list[int] = []

    def __call__(self, args: list[bytes]) -> bytes:
        match [args[0].upper(), *args[1:]]:
            case [b"HELLO", *_]:
                hello = [b"server", b"redis", b"version", b"8.4.0", b"mode", b"standalone"]
                return b"%3\r\n" + b"".join(map(bulk, hello))
            case [b"SCAN", *_]:
                return b"*2\r\n" + bulk(b"0") + array([*self.sets])
            case [b"VRANGE", _, b"(", *_]:
                return b"-ERR invalid start range format\r\n"
            case [b"VRANGE", key, start, b"+", count]:
                self.counts.append(int(count))
                after = [m for m in self.sets[key] if start == b"-" or m > start[1:]]
                return array(after[: int(count)])
            case [b"VEMB", _, member]:
                return b"*1\r\n,%d\r\n" % len(member)
        return b"+OK\r\n"


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 4352, 9000])
def test_members_in_pages_where_the_server_has_vrange(size: int) -> None:
    names = [b"" if n == 0 else b"(%d" % n for n in range(size)]
    redis84 = Redis84({b"large": names, **{b"s%d" % n: [b"x", b"yy"] for n in range(30)}})
    with ScriptedServer(redis84) as server:
        lf = gf.scan_vectors(server.url, "*", 1)
        found = rows(lf.collect())
        assert lf.select("member").collect().height == size + 60
        for count in (1, 3, 61, 5000):
            assert lf.head(count).collect().height == min(count, size + 60)
    large = {member: vector for (key, member), vector in found.items() if key == "large"}
    assert large == {name.decode(): [float(len(name))] for name in names}
    assert len(found) == size + 60
    assert "VRANDMEMBER" not in gf.reports(lf)[0].commands
    assert max(redis84.counts) <= 4096


def test_members_that_stay_come_once_while_others_come_and_go(
    client: gf.Client, raw: redis.Redis
) -> None:
    fill(raw, "v", 6000, "NOQUANT")
    with busy(raw, adding, removing) as changes:
        for _ in range(3):
            lf = client.scan_vectors("v", 3)
            frame = lf.collect()
            stable = frame.filter(pl.col("member").str.starts_with("m"))
            assert frame["member"].is_unique().all()
            assert sorted(stable["member"]) == sorted(f"m{n}" for n in range(6000))
            assert sorted(vector[0] for vector in stable["vector"]) == [
                n + 0.5 for n in range(6000)
            ]
            report = gf.reports(lf)[0]
            assert report.commands["VEMB"] == report.rows + report.elements_vanished
    assert changes


# -- errors ----------------------------------------------------------------------------------------


def test_a_forbidden_set_is_an_error(fresh_server: FreshServer) -> None:
    server = fresh_server(
        "redis82", users=["ann on >secret ~v:* +@all", "bob on >secret ~* +@all -vemb"]
    )
    with redis.Redis.from_url(server.url, protocol=2) as raw:
        fill(raw, "v:1", 1)
        fill(raw, "other", 1)
    ann = gf.connect(server.url, username="ann", password="secret")
    assert ann.read_vectors("v:*", 3).height == 1
    with pytest.raises(gf.PermissionDeniedError, match='"other"'):
        ann.read_vectors("*", 3)
    bob = gf.connect(server.url, username="bob", password="secret")
    with pytest.raises(gf.PermissionDeniedError, match="VEMB"):
        bob.read_vectors("v:*", 3)


@pytest.mark.parametrize("dim", [0, -1, True, 1.5, "3", None, 65_537])
def test_a_dim_that_cannot_be(dim: Any) -> None:
    with pytest.raises(gf.OptionError, match="dim is"):
        gf.scan_vectors("redis://localhost:1", "*", dim)


def test_columns_of_one_name() -> None:
    with pytest.raises(gf.SchemaError, match="two columns are called"):
        gf.scan_vectors("redis://localhost:1", "*", 3, vector_column="member")
