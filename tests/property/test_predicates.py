"""Whatever is asked of a scan is what the same query gives on its collected frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl
import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import gearframe as gf

SCHEMA = {
    "name": pl.String,
    "age": pl.Int64,
    "score": pl.Float64,
    "active": pl.Boolean,
    "born": pl.Date,
    "blob": pl.Binary,
}
NAMES = ["Ann", "Bob", "Żółw", "", "a*b", "ann"]
KEYS = [f"user:{i}" for i in range(240)] + [
    *("user:*", "user:[1]", "user:?", "user:\\", "user: x\n", "user:żółw", "user:🦀", "user:'q'\""),
    *(f"other:{i}" for i in range(50)),
    "",
]


def hash_of(i: int) -> dict[str, str | bytes]:
    fields: dict[str, str | bytes] = {
        "name": NAMES[i % len(NAMES)],
        "age": str(i % 50 - 5),
        "score": str(i / 7),
        "active": str(i % 2),
        "born": f"20{i % 20:02}-01-{i % 28 + 1:02}",
        "blob": bytes([i % 256, 255]),
    }
    missing = [name for n, name in enumerate(SCHEMA) if (i // 7) >> n & 1]
    return {name: value for name, value in fields.items() if name not in missing} or {"x": "1"}


@dataclass
class Data:
    url: str
    text: pl.LazyFrame
    binary: pl.LazyFrame
    text_frame: pl.DataFrame
    binary_frame: pl.DataFrame


@pytest.fixture(scope="module")
def data(server) -> Iterator[Data]:  # type: ignore[no-untyped-def]
    """Two databases of the server: one with keys of text, one with keys of any bytes."""
    with redis.Redis.from_url(server.url, protocol=2) as client:
        client.flushall()
        fill(client, KEYS)
        client.set("user:text", "no hash")
        for i in range(0, 240, 3):
            client.expire(f"user:{i}", 10_000)
    with redis.Redis.from_url(f"{server.url}/1", protocol=2) as client:
        fill(client, [*(key.encode() for key in KEYS), b"\xff\xfe", b"user:\xff"])
    text = gf.scan_hashes(server.url, "*", SCHEMA, include_ttl=True)
    binary = gf.scan_hashes(f"{server.url}/1", "u*", SCHEMA, key_dtype=pl.Binary)
    data = Data(server.url, text, binary, text.collect(), binary.collect())
    assert data.text_frame.height == len(KEYS)
    assert data.binary_frame.height == 249
    yield data
    with redis.Redis.from_url(server.url, protocol=2) as client:
        client.flushall()


def fill(client: redis.Redis, keys: Sequence[str | bytes]) -> None:
    for i, key in enumerate(keys):
        client.hset(key, mapping=hash_of(i))


# -- expressions -----------------------------------------------------------------------------------

key = pl.col("_key")
age, score = pl.col("age"), pl.col("score")
some_key = st.sampled_from([*KEYS, "user", "user:", "none", "user:1*"])
prefix = st.sampled_from(
    ["", "u", "user:", "user:1", "user:[", "user:*", "other:4", "zzz", "user:ż"]
)
number = st.integers(-10, 50)
text = st.sampled_from([*NAMES, "A", "n"])


def comparison(left: pl.Expr, right: object, op: str) -> pl.Expr:
    return getattr(left, op)(right)


OPERATORS = st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge", "eq_missing", "ne_missing"])
COLUMNS = st.sampled_from(["_key", *SCHEMA])

about_keys = st.one_of(
    st.builds(comparison, st.just(key), some_key, OPERATORS),
    st.builds(lambda v: pl.lit(v) == key, some_key),
    st.builds(
        lambda v, n: key.is_in(v, nulls_equal=n), st.lists(some_key | st.none()), st.booleans()
    ),
    st.builds(key.str.starts_with, prefix),
    st.builds(key.str.ends_with, st.sampled_from(["1", "*", ""])),
    st.builds(lambda v: key.str.contains(v, literal=True), st.sampled_from([":1", "\n", "ż"])),
    st.builds(lambda n: key.str.len_bytes() > n, number),
    st.builds(lambda n: key.str.slice(5).cast(pl.Int64, strict=False) > n, number),
    st.just(key == pl.col("name")),
    st.builds(lambda a, b: key.is_between(pl.lit(a), pl.lit(b)), some_key, some_key),
)
about_values = st.one_of(
    st.builds(comparison, st.just(age), number, OPERATORS),
    st.builds(comparison, st.just(score), number, OPERATORS),
    st.builds(comparison, st.just(pl.col("name")), text, OPERATORS),
    st.builds(lambda a, b: (age + a) * 2 % 7 > b, number, number),
    st.builds(lambda n: age / score > n, number),
    st.builds(lambda n: score.cast(pl.Int32) == n, number),
    st.builds(lambda t: pl.col("name").str.to_lowercase().str.starts_with(t), text),
    st.builds(lambda v: age.is_in(v), st.lists(number)),
    st.builds(lambda v: pl.col("name").is_in(v), st.lists(text)),
    st.builds(lambda c: pl.col(c).is_null(), COLUMNS),
    st.builds(lambda c: pl.col(c).is_not_null(), COLUMNS),
    st.just(pl.col("active")),
    st.just(pl.col("born") > pl.date(2010, 1, 1)),
    st.builds(lambda n: pl.col("born").dt.year() == 2000 + n, number),
    st.just(pl.col("blob") > b"\x80"),
    st.just(pl.col("blob").bin.ends_with(b"\xff")),
    st.builds(lambda n: pl.when(age > n).then(score > 3).otherwise(pl.col("active")), number),
    st.sampled_from([pl.lit(True), pl.lit(False), pl.lit(None, pl.Boolean)]),
)


def combined(inner: st.SearchStrategy[pl.Expr]) -> st.SearchStrategy[pl.Expr]:
    return st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(lambda a, b: a ^ b, inner, inner),
        st.builds(lambda a: ~a, inner),
        st.builds(lambda a, v: a.fill_null(v), inner, st.booleans()),
        st.builds(lambda a, b: a == b, inner, inner),
    )


predicates = st.recursive(about_keys | about_values, combined, max_leaves=6)
with_ttl = st.sampled_from([
    pl.col("_ttl").is_null(), pl.col("_ttl").is_not_null(),
    pl.col("_ttl") > pl.duration(seconds=1), pl.col("_ttl").dt.total_hours() == 2,
])  # fmt: skip
projections = st.none() | st.lists(COLUMNS, min_size=1, unique=True)
engines = st.sampled_from(["in-memory", "streaming"])
checked = settings(max_examples=250)


def rows_of(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort(frame.columns)


@checked
@given(where=predicates, columns=projections, engine=engines)
def test_a_filter_is_the_filter_of_the_frame(
    data: Data, where: pl.Expr, columns: list[str] | None, engine: str
) -> None:
    chosen = columns or ["_key", *SCHEMA]
    expected = data.text_frame.filter(where).select(chosen)
    found = data.text.filter(where).select(chosen).collect(engine=engine)  # type: ignore[call-overload]
    assert_frame_equal(rows_of(found), rows_of(expected))


@checked
@given(first=predicates, second=predicates | with_ttl, engine=engines)
def test_two_filters_and_a_count(data: Data, first: pl.Expr, second: pl.Expr, engine: str) -> None:
    query = data.text.filter(first).filter(second).select(pl.len(), pl.col("age").sum())
    expected = data.text_frame.filter(first).filter(second).select(pl.len(), pl.col("age").sum())
    assert query.collect(engine=engine).rows() == expected.rows()  # type: ignore[call-overload]


@checked
@given(where=predicates | with_ttl, n=st.integers(0, 400), engine=engines)
def test_head_takes_rows_that_pass(data: Data, where: pl.Expr, n: int, engine: str) -> None:
    passing = data.text_frame.filter(where).drop("_ttl")
    found = data.text.filter(where).head(n).drop("_ttl").collect(engine=engine)  # type: ignore[call-overload]
    assert found.height == min(n, passing.height)
    assert set(found.rows()) <= set(passing.rows())
    # A filter after a limit must not be moved before it.
    limited = data.text.head(n).filter(where).select("_key").collect(engine=engine)  # type: ignore[call-overload]
    assert limited.height <= min(n, passing.height)


binary_keys = st.sampled_from([b"user:\xff", b"\xff\xfe", b"user:1", b"user:", "user:ż".encode()])
about_binary_keys = st.one_of(
    st.builds(comparison, st.just(key), binary_keys, OPERATORS),
    st.builds(lambda v: key.is_in(v), st.lists(binary_keys | st.none())),
    st.builds(lambda v: key.bin.starts_with(v), binary_keys),
    st.builds(lambda v: key.bin.contains(v), binary_keys),
)


@checked
@given(where=st.recursive(about_binary_keys | about_values, combined, max_leaves=4), engine=engines)
def test_binary_keys(data: Data, where: pl.Expr, engine: str) -> None:
    expected = data.binary_frame.filter(where)
    found = data.binary.filter(where).collect(engine=engine)  # type: ignore[call-overload]
    assert_frame_equal(rows_of(found), rows_of(expected))


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@pytest.mark.parametrize(
    "where",
    [
        age > age.mean(),
        age == age.max(),
        pl.col("name").is_duplicated() & (key != "user:1"),
        age.sum().over("name") > 300,
        age.cum_count() <= pl.len(),
        (key == "user:7") | (age.count() > 1000),
        (age - age.min()) == 0,
        age.map_batches(lambda s: s > s.mean()),
        pl.struct("age", "score").struct.field("age") > 3,
        key.str.split(":").list.last() == "7",
        key.is_in(pl.col("name").implode()),
        pl.col("age").is_in(pl.col("score").cast(pl.Int64, strict=False).implode()),
    ],
    ids=lambda value: str(value)[:60],
)
def test_predicates_that_look_at_many_rows(data: Data, where: pl.Expr, engine: str) -> None:
    small = gf.scan_hashes(data.url, "*", SCHEMA, batch_size=7)
    expected = data.text_frame.drop("_ttl").filter(where)
    found = small.filter(where).collect(engine=engine)  # type: ignore[call-overload]
    assert_frame_equal(rows_of(found), rows_of(expected))


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_a_predicate_in_python(data: Data, engine: str) -> None:
    seven = 7
    where = age.map_elements(
        lambda n: n.bit_length() == seven % 4, return_dtype=pl.Boolean, skip_nulls=True
    )
    expected = data.text_frame.filter(where).drop("_ttl")
    found = data.text.filter(where).drop("_ttl").collect(engine=engine)  # type: ignore[call-overload]
    assert_frame_equal(rows_of(found), rows_of(expected))
    named = data.text.filter((key == "user:9") & where).select("_key")
    assert named.collect(engine=engine).height <= 1  # type: ignore[call-overload]
    assert "_key" in gf.explain(named)
