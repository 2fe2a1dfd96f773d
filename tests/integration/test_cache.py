"""Frames in the cache, on real servers: whole or not at all, old or new."""

from __future__ import annotations

import enum
import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.cache import cache, cache_lazy, store
from tests.integration.commandstats import counted
from tests.servers.fixtures import FreshServer
from tests.servers.patience import wait_until

SMALL = pl.DataFrame({"n": [1, 2, 3], "s": ["a", None, "ü"]})
LARGE = pl.DataFrame({"n": range(5000), "s": [str(n) * 3 for n in range(5000)]})
# About twenty chunks of LARGE.
CHUNK = 4096

DTYPES = pl.DataFrame(
    {
        "e": pl.Series(["x", None], dtype=pl.Enum(["x", "y"])),
        "c": pl.Series(["p", "q"], dtype=pl.Categorical),
        "d": pl.Series([Decimal("1.50"), None], dtype=pl.Decimal(10, 2)),
        "l": [[1, 2], None],
        "st": [{"a": 1, "b": "x"}, {"a": None, "b": None}],
        "t": [datetime(2024, 1, 1, tzinfo=UTC), None],
        "b": [b"\xff", b""],
        "i": pl.Series([2**100, None], dtype=pl.Int128),
        "du": [timedelta(seconds=1), None],
        "null": [None, None],
    }
)


# -- keeping frames --------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [SMALL, LARGE, DTYPES, SMALL.clear(), pl.DataFrame()])
@pytest.mark.parametrize("format", ["ipc", "parquet"])
@pytest.mark.parametrize("chunk_bytes", [CHUNK, 2**24])
def test_what_is_kept_comes_back(
    url: str, frame: pl.DataFrame, format: Any, chunk_bytes: int
) -> None:
    size = gf.cache_dataframe(frame, url, "k", format=format, chunk_bytes=chunk_bytes)
    assert size > 0
    found = gf.get_cached_dataframe(url, "k")
    assert found is not None
    assert found.schema == frame.schema
    assert found.equals(frame)


@pytest.mark.parametrize(
    ("format", "compression", "level"),
    [
        ("ipc", "lz4", None),
        ("ipc", None, None),
        ("parquet", "snappy", None),
        ("parquet", "zstd", 9),
    ],
)
def test_compressions(url: str, format: Any, compression: Any, level: Any) -> None:
    options: Any = {"format": format, "compression": compression, "compression_level": level}
    gf.cache_dataframe(LARGE, url, "k", **options)
    assert LARGE.equals(gf.get_cached_dataframe(url, "k"))  # type: ignore[arg-type]
    info = gf.cache_info(url, "k")
    assert info is not None
    assert (info.format, info.compression) == (format, compression or "uncompressed")


def test_parts_of_a_frame(url: str, redis_client: redis.Redis) -> None:
    gf.cache_dataframe(LARGE, url, "k", chunk_bytes=CHUNK)
    assert gf.get_cached_dataframe(url, "k", columns=["s", "n"], n_rows=2).rows() == [  # type: ignore[union-attr]
        ("000", 0),
        ("111", 1),
    ]
    with counted(redis_client) as sent:
        assert gf.get_cached_dataframe(url, "k", n_rows=3).height == 3  # type: ignore[union-attr]
    assert sent["get"] == 2  # the header and one chunk
    assert gf.get_cached_dataframe(url, "k", n_rows=0).shape == (0, 2)  # type: ignore[union-attr]
    with pytest.raises(gf.OptionError, match="no column 'x'"):
        gf.get_cached_dataframe(url, "k", columns=["x"])


def test_nothing_is_there(url: str) -> None:
    assert gf.get_cached_dataframe(url, "k") is None
    assert gf.scan_cached(url, "k") is None
    assert gf.cache_info(url, "k") is None
    assert gf.cache_ttl(url, "k") is None
    assert not gf.cache_exists(url, "k")
    assert not gf.delete_cached(url, "k")


def test_info_reads_no_rows(url: str, redis_client: redis.Redis) -> None:
    before = datetime.now(UTC)
    gf.cache_dataframe(LARGE, url, "k", ttl=3600, chunk_bytes=CHUNK)
    with counted(redis_client) as sent:
        info = gf.cache_info(url, "k")
    assert sent == {"getrange": 1, "get": 1, "pttl": 1}
    assert info is not None
    assert (info.rows, info.schema) == (5000, LARGE.schema)
    assert info.chunks > 10
    stored = sum(redis_client.strlen(key) for key in redis_client.keys("k:chunk:*"))  # type: ignore[misc]
    assert info.size_bytes == stored
    assert before <= info.created <= datetime.now(UTC)
    assert info.ttl == pytest.approx(3600, abs=100)
    with counted(redis_client) as sent:
        assert gf.cache_exists(url, "k")
    assert sent == {"getrange": 1, "get": 1, "exists": 1}


def test_a_lazy_frame_is_collected(url: str) -> None:
    gf.cache_dataframe(SMALL.lazy().filter(pl.col("n") > 1), url, "k")
    assert gf.get_cached_dataframe(url, "k")["n"].to_list() == [2, 3]  # type: ignore[index]


@pytest.mark.parametrize("key", ["k", b"\xff\x00", "a key: {with} braces"])
def test_keys(url: str, redis_client: redis.Redis, key: Any) -> None:
    gf.cache_dataframe(LARGE, url, key, chunk_bytes=CHUNK)
    assert LARGE.equals(gf.get_cached_dataframe(url, key))  # type: ignore[arg-type]
    assert gf.delete_cached(url, key)
    assert redis_client.dbsize() == 0


# -- time to live ----------------------------------------------------------------------------------


def test_all_parts_expire_the_chunks_last(url: str, redis_client: redis.Redis) -> None:
    gf.cache_dataframe(LARGE, url, "k", ttl=timedelta(seconds=1000), chunk_bytes=CHUNK)
    assert gf.cache_ttl(url, "k") == pytest.approx(1000, abs=50)
    left = {redis_client.pttl(key) for key in redis_client.keys("k:chunk:*")}  # type: ignore[union-attr]
    assert left
    # A minute later than the key, and not as late as those of a frame that was never finished.
    assert all(1_010_000 < each <= 1_060_000 for each in left)  # type: ignore[operator]
    gf.cache_dataframe(LARGE, url, "k", chunk_bytes=CHUNK)
    assert gf.cache_ttl(url, "k") is None
    # The chunks of the new frame stay, those of the old one go.
    info = gf.cache_info(url, "k")
    left = [redis_client.pttl(key) for key in redis_client.keys("k:chunk:*")]  # type: ignore
    assert info is not None
    assert left.count(-1) == info.chunks
    assert max(left) <= 60_000


def test_an_expired_frame_is_gone(url: str, redis_client: redis.Redis) -> None:
    gf.cache_dataframe(SMALL, url, "k", ttl=timedelta(milliseconds=20))
    wait_until(lambda: not redis_client.exists("k"))
    assert gf.get_cached_dataframe(url, "k") is None
    assert not gf.cache_exists(url, "k")


@pytest.mark.parametrize("ttl", [0, -5, 1.5, "60", True, timedelta(0)])
def test_impossible_times_are_refused(url: str, ttl: Any) -> None:
    with pytest.raises(gf.OptionError, match="ttl is"):
        gf.cache_dataframe(SMALL, url, "k", ttl=ttl)


# -- replacing -------------------------------------------------------------------------------------


def test_a_small_frame_takes_the_place_of_a_large_one(url: str) -> None:
    """B12: the parts of the large one were read still."""
    gf.cache_dataframe(LARGE, url, "k", chunk_bytes=CHUNK)
    gf.cache_dataframe(SMALL, url, "k")
    assert SMALL.equals(gf.get_cached_dataframe(url, "k"))  # type: ignore[arg-type]
    gf.cache_dataframe(LARGE, url, "k", format="parquet", chunk_bytes=CHUNK)
    assert LARGE.equals(gf.get_cached_dataframe(url, "k"))  # type: ignore[arg-type]


def test_readers_beside_writers_see_whole_frames(url: str) -> None:
    versions = [LARGE.with_columns(v=pl.lit(v)) for v in range(4)]
    stop = threading.Event()
    errors: list[BaseException] = []

    def write(version: int) -> None:
        try:
            with gf.connect(url) as client:
                while not stop.is_set():
                    gf.cache_dataframe(versions[version], client, "k", chunk_bytes=CHUNK * 4)
        except BaseException as error:
            errors.append(error)
            raise

    gf.cache_dataframe(versions[0], url, "k")
    writers = [threading.Thread(target=write, args=(v,)) for v in range(4)]
    for writer in writers:
        writer.start()
    try:
        with gf.connect(url) as client:
            for _ in range(60):
                frame = gf.get_cached_dataframe(client, "k")
                assert frame is not None
                assert frame.equals(versions[frame["v"][0]])
                lazy = gf.scan_cached(client, "k")
                assert lazy is not None
                found = lazy.collect()
                assert found.height == 5000
                assert found["v"].n_unique() == 1
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert errors == []


def test_nothing_is_left_of_replaced_frames(url: str, redis_client: redis.Redis) -> None:
    for _ in range(3):
        gf.cache_dataframe(LARGE, url, "k", chunk_bytes=CHUNK)
    forever = [key for key in redis_client.keys("k:chunk:*") if redis_client.pttl(key) == -1]  # type: ignore
    info = gf.cache_info(url, "k")
    assert info is not None
    assert len(forever) == info.chunks


def test_a_writer_that_fails_changes_nothing(fresh_server: FreshServer) -> None:
    users = ["default off", "u on nopass ~* +@all", "w on nopass ~* +@all -watch"]
    server = fresh_server(users=users)
    admin = gf.connect(server.url.replace("redis://", "redis://u:x@"))
    writer = gf.connect(server.url.replace("redis://", "redis://w:x@"))
    gf.cache_dataframe(SMALL, admin, "k")
    with pytest.raises(gf.PermissionDeniedError):
        gf.cache_dataframe(LARGE, writer, "k", chunk_bytes=CHUNK)
    assert SMALL.equals(gf.get_cached_dataframe(admin, "k"))  # type: ignore[arg-type]
    # What it has written ends by itself.
    left = [admin.execute("TTL", key) for key in admin.execute("KEYS", "k:chunk:*")]  # type: ignore
    assert left.count(-1) == 1
    assert len(left) > 10


def test_a_chunk_that_is_evicted_before_the_last_is_written_changes_nothing(
    url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    gf.cache_dataframe(SMALL, url, "k")
    encoded = store._encoded

    def evict(*args: Any) -> bytes:
        unfinished = [key for key in redis_client.keys("k:chunk:*") if redis_client.pttl(key) > 0]  # type: ignore
        if unfinished:
            redis_client.delete(unfinished[0])
        return encoded(*args)

    monkeypatch.setattr(store, "_encoded", evict)
    with pytest.raises(gf.DataError, match="has dropped a chunk"):
        gf.cache_dataframe(LARGE, url, "k", chunk_bytes=CHUNK)
    assert SMALL.equals(gf.get_cached_dataframe(url, "k"))  # type: ignore[arg-type]
    assert len(redis_client.keys("k:chunk:*")) == 1  # type: ignore[arg-type]


def test_a_writer_that_dies_after_its_transaction_leaves_nothing_for_ever(
    url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    gf.cache_dataframe(LARGE, url, "k", chunk_bytes=CHUNK)
    transaction = redis.Redis.transaction

    def die(*args: Any, **options: Any) -> None:
        transaction(*args, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(redis.Redis, "transaction", die)
    with pytest.raises(KeyboardInterrupt):
        gf.cache_dataframe(SMALL, url, "k")
    forever = [key for key in redis_client.keys("k:chunk:*") if redis_client.pttl(key) == -1]  # type: ignore
    assert len(forever) == 1


def test_a_full_server(fresh_server: FreshServer) -> None:
    server = fresh_server(maxmemory="3mb")
    frame = pl.DataFrame({"n": pl.Series(range(500_000)).shuffle(seed=1)})
    with pytest.raises(gf.ServerOutOfMemoryError):
        gf.cache_dataframe(frame, server.url, "k", compression=None, chunk_bytes=2**20)
    assert gf.get_cached_dataframe(server.url, "k") is None


# -- damage and strangers --------------------------------------------------------------------------


def test_an_evicted_chunk_makes_it_as_if_nothing_were_there(
    url: str, redis_client: redis.Redis
) -> None:
    gf.cache_dataframe(LARGE, url, "k", chunk_bytes=CHUNK)
    lazy = gf.scan_cached(url, "k")
    redis_client.delete(sorted(redis_client.keys("k:chunk:*"))[-1])  # type: ignore
    assert gf.get_cached_dataframe(url, "k") is None
    assert lazy is not None
    with pytest.raises(gf.DataError, match="is gone, or was replaced"):
        lazy.collect()


@pytest.mark.parametrize("what", ["chunk", "header"])
def test_changed_bytes_are_noticed(url: str, redis_client: redis.Redis, what: str) -> None:
    gf.cache_dataframe(SMALL, url, "k", compression=None)
    key = redis_client.keys("k:chunk:*")[0] if what == "chunk" else b"k"  # type: ignore[index]
    redis_client.setrange(key, redis_client.strlen(key) - 20, b"#")  # type: ignore[operator]
    with pytest.raises(gf.DataError, match=r"'k' is damaged: .*; cache it again"):
        gf.get_cached_dataframe(url, "k")
    gf.cache_dataframe(SMALL, url, "k")
    assert SMALL.equals(gf.get_cached_dataframe(url, "k"))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["string", "list"])
def test_what_others_have_written_is_not_read_or_deleted(
    url: str, redis_client: redis.Redis, kind: str
) -> None:
    redis_client.set("k", "x" * 100) if kind == "string" else redis_client.rpush("k", "x")
    asked: list[Any] = [
        gf.get_cached_dataframe,
        gf.scan_cached,
        gf.cache_info,
        gf.cache_exists,
        gf.delete_cached,
    ]
    for function in asked:
        with pytest.raises(gf.DataError, match="cache_dataframe has not written"):
            function(url, "k")
    assert redis_client.exists("k")
    gf.cache_dataframe(SMALL, url, "k")
    assert gf.cache_exists(url, "k")


def test_arguments_are_checked(url: str) -> None:
    bad: list[tuple[str, dict[str, Any]]] = [
        ("format is 'csv'", {"format": "csv"}),
        ("compression is 'snappy'; ipc takes", {"compression": "snappy"}),
        ("compression_level", {"compression_level": 3}),
        ("chunk_bytes is 1", {"chunk_bytes": 1}),
    ]
    for message, options in bad:
        with pytest.raises(gf.OptionError, match=message):
            gf.cache_dataframe(SMALL, url, "k", **options)
    with pytest.raises(gf.OptionError, match="key is ''"):
        gf.cache_dataframe(SMALL, url, "")
    with pytest.raises(gf.OptionError, match="not dict"):
        gf.cache_dataframe({}, url, "k")  # type: ignore[arg-type]
    with pytest.raises(gf.OptionError, match="column 'o' holds Python objects"):
        gf.cache_dataframe(pl.DataFrame({"o": [object()]}), url, "k")


# -- lazily ----------------------------------------------------------------------------------------


def test_a_scan_reads_when_it_runs_and_what_it_needs(url: str, redis_client: redis.Redis) -> None:
    gf.cache_dataframe(LARGE, url, "k", chunk_bytes=CHUNK)
    with counted(redis_client) as sent:
        lazy = gf.scan_cached(url, "k")
    assert lazy is not None
    assert sent == {"getrange": 1, "get": 1, "exists": 1}  # the header
    assert lazy.collect_schema() == LARGE.schema
    with counted(redis_client) as sent:
        assert lazy.head(3).collect()["n"].to_list() == [0, 1, 2]
    assert sent["get"] <= 3
    assert lazy.collect().sort("n").equals(LARGE)
    assert lazy.select(pl.len()).collect().item() == 5000
    assert lazy.select("s").head(1).collect().rows() == [("000",)]
    assert lazy.filter(pl.col("n") >= 4998).select("s").collect().height == 2
    assert lazy.filter(pl.col("n") >= 4000).head(10).collect().height == 10
    assert lazy.filter(pl.col("n") < 0).collect().shape == (0, 2)


def test_a_scan_of_a_frame_that_is_replaced(url: str) -> None:
    gf.cache_dataframe(SMALL, url, "k")
    lazy = gf.scan_cached(url, "k")
    assert lazy is not None
    gf.cache_dataframe(SMALL.head(1), url, "k")
    assert lazy.collect().height == 1
    gf.cache_dataframe(SMALL.select("n"), url, "k")
    with pytest.raises(gf.DataError, match="replaced by one with other columns"):
        lazy.collect()
    gf.delete_cached(url, "k")
    with pytest.raises(gf.DataError, match="is gone"):
        lazy.collect()


# -- functions -------------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Right(enum.Flag):
    READ = 1


@dataclass(frozen=True)
class Settings:
    limit: int


def test_the_function_runs_once(url: str) -> None:
    ran: list[Any] = []

    @cache(url, ttl=3600)
    def load(a: int, b: str = "x", *, c: Any = None) -> pl.DataFrame:
        """Load it."""
        ran.append((a, b, c))
        return pl.DataFrame({"a": [a]})

    assert load(1)["a"].to_list() == [1]
    assert load(1, "x").equals(load(a=1, b="x", c=None))
    assert ran == [(1, "x", None)]
    assert load.is_cached(1)
    assert not load.is_cached(2)
    assert gf.cache_ttl(url, load.cache_key_for(1)) == pytest.approx(3600, abs=100)
    assert load(1, _cache_skip=True).height == 1
    assert load(1, _cache_refresh=True).height == 1
    assert len(ran) == 3
    assert load.invalidate(1)
    assert not load.invalidate(1)
    load(1)
    assert len(ran) == 4
    assert (load.__name__, load.__doc__) == ("load", "Load it.")


def test_skip_neither_reads_nor_writes(url: str, redis_client: redis.Redis) -> None:
    @cache(url)
    def load() -> pl.DataFrame:
        return SMALL

    assert load(_cache_skip=True).equals(SMALL)
    assert redis_client.dbsize() == 0


DIFFERENT: list[Any] = [
    1, 1.0, True, "1", b"1", None, [1], (1,), {1}, {"a": 1}, {"a": "1"}, [1, [2]], [[1], 2],
    ["a", "b"], ["ab"], date(2024, 1, 1), datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC),
    timedelta(1), Decimal("1"), Decimal("1.0"), Colour.RED, Colour.BLUE, Settings(1), Settings(2),
    Right(0), Right.READ,
    pl.Int64, pl.String, pl.Series([1]), pl.Series("n", [1]), pl.DataFrame({"n": [1]}),
    pl.DataFrame({"n": [2]}), pl.DataFrame({"n": ["1"]}), pl.DataFrame({"m": [1]}),
    pl.DataFrame({"n": [None]}, schema={"n": pl.Int64}), pl.DataFrame({"n": []}),
]  # fmt: skip


def test_different_arguments_have_different_keys(url: str) -> None:
    @cache(url)
    def load(a: Any, b: Any = None) -> pl.DataFrame:
        return SMALL

    keys = [load.cache_key_for(each) for each in DIFFERENT]
    assert len(set(keys)) == len(DIFFERENT)
    assert keys == [load.cache_key_for(each) for each in DIFFERENT]
    assert load.cache_key_for(1, 2) != load.cache_key_for(2, 1)
    assert load.cache_key_for({"a": 1, "b": 2}) == load.cache_key_for({"b": 2, "a": 1})


def test_a_frame_as_argument_counts_by_its_content(url: str) -> None:
    """B12: only shape and schema counted, or there was a TypeError."""

    @cache(url)
    def total(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select(pl.col("n").sum())

    assert total(SMALL)["n"].item() == 6
    assert total(SMALL.with_columns(n=pl.col("n") * 2))["n"].item() == 12
    pieces = pl.concat([SMALL.head(1), SMALL.slice(1, 1), SMALL.tail(1)], rechunk=False)
    assert total.cache_key_for(pieces) == total.cache_key_for(SMALL)
    longer = pl.concat([LARGE, SMALL]).tail(3)
    assert total.cache_key_for(longer) == total.cache_key_for(SMALL)
    holes = pl.DataFrame({"n": [1, None]})
    hidden = pl.DataFrame({"n": [1, 2]}).select(pl.when(pl.col("n") < 2).then("n"))
    assert total.cache_key_for(hidden) == total.cache_key_for(holes)


@pytest.mark.parametrize("value", [object(), SMALL.lazy(), pl.col("n"), [object()], print])
def test_an_argument_that_cannot_be_told_apart_is_named(url: str, value: Any) -> None:
    @cache(url)
    def load(thing: Any) -> pl.DataFrame:
        return SMALL

    with pytest.raises(gf.OptionError, match=r"argument 'thing' of .*load is a .*key_fn"):
        load(value)


def test_a_key_of_ones_own(url: str, redis_client: redis.Redis) -> None:
    @cache(url, key_prefix="mine", key_fn=lambda thing: f"thing-{thing['id']}")
    def load(thing: Any) -> pl.DataFrame:
        return SMALL

    load({"id": 7, "other": object()})
    assert redis_client.exists("mine:thing-7")

    @cache(url, key_fn=lambda: None)  # type: ignore[arg-type, return-value]
    def bad() -> pl.DataFrame:
        return SMALL

    with pytest.raises(gf.OptionError, match="key_fn returned None"):
        bad()


@pytest.mark.parametrize(
    ("decorator", "result", "message"),
    [
        (cache, 7, "returned int, and a polars DataFrame"),
        (cache, SMALL.lazy(), "use @cache_lazy"),
        (cache_lazy, SMALL, "use @cache"),
        (cache_lazy, None, "returned NoneType"),
    ],
)
def test_what_is_no_frame_is_an_error(
    url: str, redis_client: redis.Redis, decorator: Any, result: Any, message: str
) -> None:
    @decorator(url)  # type: ignore[untyped-decorator]
    def load() -> Any:
        return result

    with pytest.raises(gf.OptionError, match=message):
        load()
    assert redis_client.dbsize() == 0


def test_lazy_functions(url: str, redis_client: redis.Redis) -> None:
    ran = []

    @cache_lazy(url, chunk_bytes=CHUNK)
    def load(least: int) -> pl.LazyFrame:
        ran.append(least)
        return LARGE.lazy().filter(pl.col("n") >= least)

    for _ in range(2):
        lazy = load(10)
        assert isinstance(lazy, pl.LazyFrame)
        assert lazy.collect().height == 4990
    assert ran == [10]
    with counted(redis_client) as sent:
        assert load(10).head(1).collect()["n"].item() == 10
    assert sent["get"] <= 4
    assert load.invalidate(10)


def test_a_lazy_function_runs_again_when_a_chunk_was_evicted(
    url: str, redis_client: redis.Redis
) -> None:
    ran = []

    @cache_lazy(url, chunk_bytes=CHUNK)
    def load() -> pl.LazyFrame:
        ran.append(1)
        return LARGE.lazy()

    load()
    redis_client.delete(sorted(redis_client.keys("*:chunk:*"))[-1])  # type: ignore
    assert not load.is_cached()
    assert load().collect().equals(LARGE)
    assert load().collect().equals(LARGE)
    assert len(ran) == 2


def test_a_url_is_connected_with_the_first_call() -> None:
    @cache("redis://127.0.0.1:1")
    def load() -> pl.DataFrame:
        return SMALL

    assert load(_cache_skip=True).equals(SMALL)
    with pytest.raises(gf.ServerConnectionError):
        load.is_cached()


def test_methods(url: str) -> None:
    class Store:
        @cache(url, key_fn=lambda self, n: f"{self.name}-{n}")
        def load(self, n: int) -> pl.DataFrame:
            return pl.DataFrame({"name": [self.name], "n": [n]})

        def __init__(self, name: str) -> None:
            self.name = name

    one, two = Store("one"), Store("two")
    assert one.load(1).rows() == [("one", 1)]
    assert two.load(1).rows() == [("two", 1)]
    assert one.load.is_cached(1)
    assert one.load.invalidate(1)
    assert two.load.is_cached(1)
