"""Sorted sets as frames: columns, ranges of scores and ranks, changes, and what is refused."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.exceptions import DataError, KeyChangedError, OptionError, SchemaError
from tests.integration.between import before
from tests.integration.commandstats import counted
from tests.integration.whole_runs import commands_in, whole_run

SCORE, RANK = pl.col("score"), pl.col("rank")


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(url: str, request: pytest.FixtureRequest) -> gf.Client:
    return gf.connect(url, protocol=request.param, retries=0)


def fill(client: redis.Redis, key: str, count: int) -> None:
    script = "for i = 0, ARGV[1] - 1 do redis.call('ZADD', KEYS[1], i / 2, i) end"
    client.eval(script, 1, key, count)


def test_columns_and_their_order(client: gf.Client, redis_client: redis.Redis) -> None:
    redis_client.zadd("z", {"1": -0.1, "2": float("inf"), "3": float("-inf")})
    lf = gf.scan_zsets(
        client, "*", pl.Int8, include_rank=True, rank_column="r", score_column="s",
        member_column="m", include_ttl=True, row_index_name="row",
    )  # fmt: skip
    frame = lf.collect()
    assert frame.columns == ["row", "_key", "_ttl", "r", "m", "s"]
    assert frame.dtypes[2:] == [pl.Duration("ms"), pl.UInt64, pl.Int8, pl.Float64]
    assert frame.rows() == [
        (0, "z", None, 0, 3, float("-inf")),
        (1, "z", None, 1, 1, -0.1),
        (2, "z", None, 2, 2, float("inf")),
    ]


def test_other_types_missing_and_repeated_names(
    client: gf.Client, redis_client: redis.Redis
) -> None:
    redis_client.zadd("a", {"x": 1, "y": 2})
    redis_client.set("b", "text")
    redis_client.rpush("c", "element")
    options: list[dict[str, Any]] = [
        {}, {"include_rank": True}, {"min_score": 1}, {"min_score": 1, "include_rank": True},
        {"min_rank": -2}, {"include_ttl": True},
    ]  # fmt: skip
    for option in options:
        lf = gf.scan_zsets(client, keys=["a", "gone", "b", b"a", "c"], **option)
        frame, report = whole_run(lf)
        assert frame["member"].to_list() == ["x", "y"]
        assert (report.keys_seen, report.keys_read) == (4, 1)
        assert report.keys_of_other_type == 2
        assert report.keys_vanished + report.keys_empty == 1


@pytest.mark.parametrize("count", [10, 6_000])
@pytest.mark.parametrize("ranks", [False, True])
@pytest.mark.parametrize(
    ("limits", "command"),
    [
        ({}, (0, -1)),
        ({"min_rank": 2, "max_rank": 5}, (2, 5)),
        ({"min_rank": -3}, (-3, -1)),
        ({"min_rank": -500, "max_rank": -2}, (-500, -2)),
        ({"max_rank": -4}, (0, -4)),
        ({"min_score": 2}, ("2", "+inf")),
        ({"max_score": 3.5}, ("-inf", "3.5")),
        ({"min_score": "(1.5", "max_score": "(3"}, ("(1.5", "(3")),
        ({"min_score": "-inf", "max_score": "inf"}, ("-inf", "+inf")),
        ({"min_score": 5, "max_score": 1}, ("5", "1")),
    ],
)
def test_ranges(
    url: str,
    redis_client: redis.Redis,
    count: int,
    ranks: bool,
    limits: dict[str, Any],
    command: tuple[Any, Any],
) -> None:
    fill(redis_client, "z", count)
    by_score = isinstance(command[0], str)
    members = redis_client.zrange("z", *command, byscore=by_score)
    expected = [(int(member), int(member) / 2) for member in members]
    lf = gf.scan_zsets(url, "z", pl.Int64, include_rank=ranks, **limits)
    frame, _ = whole_run(lf)
    assert sorted(frame.select("member", "score").rows()) == expected
    if ranks:
        # Scores are in order of members here, so a member is its own rank.
        assert frame["rank"].to_list() == [member for member, _ in expected]
    for rows in (1, 7):
        head = lf.head(rows).collect()
        assert head.height == min(rows, len(expected))
        if ranks or limits:
            assert head.select("member", "score").rows() == expected[:rows]


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (SCORE > 2990, "BYSCORE 2990.0 +inf"),
        (SCORE >= 2990, "BYSCORE 2990.0 +inf"),
        (SCORE == 5, "BYSCORE 5.0 5.0"),
        (pl.lit(5) > SCORE, "BYSCORE -inf 5.0"),
        (SCORE.is_between(3, 4.5), "BYSCORE 3.0 4.5"),
        ((SCORE > 3) & (SCORE < 8) & (SCORE >= 4), "BYSCORE 4.0 8.0"),
        (RANK < 10, "places 0 to 10"),
        (RANK == 7, "places 7 to 7"),
        (RANK.is_between(100, 110), "places 100 to 110"),
        ((RANK >= 5_990) & (SCORE > 2_996), "places 5,990 to -1"),
    ],
)
@pytest.mark.parametrize("ranks", [False, True])
def test_a_filter_narrows_the_range(
    url: str, redis_client: redis.Redis, where: pl.Expr, line: str, ranks: bool
) -> None:
    ranks = ranks or "rank" in where.meta.root_names()
    fill(redis_client, "z", 6_000)
    lf = gf.scan_zsets(url, "z", pl.Int64, include_rank=ranks)
    everything = lf.collect().sort("member")
    narrowed = lf.filter(where)
    with counted(redis_client) as calls:
        assert narrowed.collect().equals(everything.filter(where))
    assert calls["zrange"] == 1
    assert set(calls) <= {"scan", "zrange", "zcount", "multi", "exec"}
    assert any(line in text for text in commands_in(narrowed)), commands_in(narrowed)
    assert gf.reports(narrowed)[-1].rows < 30


@pytest.mark.parametrize(
    ("options", "where", "reason"),
    [
        ({"row_index_name": "row"}, SCORE > 50, "the row index counts all rows"),
        ({"min_rank": 5}, SCORE > 50, "cannot be joined"),
        ({"min_rank": -50, "include_rank": True}, RANK > 150, "cannot be joined"),
        ({"min_score": 5, "include_rank": True}, RANK > 150, "cannot be joined"),
    ],
)
def test_ranges_that_no_filter_may_narrow(
    url: str, redis_client: redis.Redis, options: dict[str, Any], where: pl.Expr, reason: str
) -> None:
    fill(redis_client, "z", 200)
    lf = gf.scan_zsets(url, "z", pl.Int64, **options)
    expected = lf.collect().filter(where)
    assert expected.height > 20
    assert lf.filter(where).collect().equals(expected)
    assert reason in gf.explain(lf.filter(where))


@pytest.mark.parametrize(
    "where",
    [
        float("nan") < SCORE, float("inf") == SCORE, float("-inf") >= SCORE, SCORE != 5,
        ~(SCORE > 5), SCORE > RANK, (SCORE > 5) | (RANK < 3), SCORE.is_null(), SCORE.is_in([1.0]),
        RANK > -1, RANK < 0, RANK >= 2.5, (RANK == 3) | (RANK == 5),
        SCORE.eq_missing(5.0), SCORE.is_between(3, 4, closed="none"), SCORE > True,
    ],
    ids=str,
)  # fmt: skip
def test_filters_change_no_result(url: str, redis_client: redis.Redis, where: pl.Expr) -> None:
    fill(redis_client, "z", 20)
    redis_client.zadd("z", {"100": float("inf"), "101": float("-inf")})
    for options in ({}, {"min_score": "(1"}, {"max_rank": 12}):
        lf = gf.scan_zsets(url, "z", pl.Int64, include_rank=True, **options)  # type: ignore[arg-type]
        expected = lf.collect().filter(where)
        assert lf.filter(where).collect().equals(expected)


def test_a_value_that_does_not_fit(client: gf.Client, redis_client: redis.Redis) -> None:
    redis_client.zadd("z", {"1": 1, "x": 2, "3": 3})
    with pytest.raises(DataError, match='a value of key "z" is "x", which is not Int8'):
        gf.read_zsets(client, "*", pl.Int8)
    frame = gf.read_zsets(client, "*", pl.Int8, on_error="null", include_rank=True)
    assert frame.drop("_key").rows() == [(0, 1, 1.0), (1, None, 2.0), (2, 3, 3.0)]
    frame, report = whole_run(gf.scan_zsets(client, "*", pl.Int8, on_error="skip"))
    assert frame["score"].to_list() == [1.0, 3.0]
    assert report.rows_skipped == 1


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"min_score": "x"}, OptionError, "min_score is 'x'; expected a number"),
        ({"max_score": float("nan")}, OptionError, "max_score is nan"),
        ({"max_score": "(nan"}, OptionError, "max_score is '(nan'"),
        ({"min_score": "((1"}, OptionError, "min_score is '((1'"),
        ({"min_score": True}, OptionError, "min_score is True"),
        ({"min_score": [1]}, OptionError, "min_score is [1]"),
        ({"min_score": 10**400}, OptionError, "expected a number"),
        ({"min_rank": 1, "max_score": 1}, OptionError, "both scores and ranks"),
        ({"min_rank": 1.5}, OptionError, "min_rank is 1.5"),
        ({"max_rank": 2**63}, OptionError, "64 bits"),
        ({"on_change": None}, OptionError, "on_change is None"),
        ({"score_column": "member"}, SchemaError, "two columns are called 'member'"),
        ({"include_rank": True, "rank_column": "score"}, SchemaError, "two columns"),
        ({"score_column": "_key"}, SchemaError, "_key"),
        ({"dtype": pl.Null}, SchemaError, ""),
    ],
)
def test_bad_options(url: str, options: dict[str, Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        gf.scan_zsets(url, "*", **options)
    assert text in str(caught.value)


# -- changes between two pieces --------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"include_rank": True}, {"min_score": 1}, {"min_rank": 1}, {"max_rank": -2},
        {"min_score": 1, "include_rank": True},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize(
    "change",
    [("ZINCRBY", "z", "5000", "1"), ("ZREM", "z", "7"), ("ZADD", "z", "0", "new"), ("DEL", "z")],
    ids=lambda words: words[0],
)
def test_ranks_that_change_between_two_windows(
    url: str,
    redis_client: redis.Redis,
    options: dict[str, Any],
    change: tuple[str, ...],
    protocol: int,
) -> None:
    fill(redis_client, "z", 5_000)
    run = lambda: redis_client.execute_command(*change)  # noqa: E731
    with (
        before(url, "ZRANGE", run, 5, protocol=protocol) as client,
        pytest.raises(KeyChangedError, match='key "z" was changed while its'),
    ):
        gf.read_zsets(client, "z", **options)
    redis_client.delete("z")
    fill(redis_client, "z", 5_000)
    with before(url, "ZRANGE", run, 5, protocol=protocol) as client:
        _, report = whole_run(gf.scan_zsets(client, "z", on_change="keep", **options))
        assert report.keys_changed == 1


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_whole_set_bears_changes(url: str, redis_client: redis.Redis, protocol: int) -> None:
    fill(redis_client, "z", 5_000)
    turn = iter(range(1_000))

    def change() -> None:
        number = next(turn)
        # Each stable member moves to another rank; others come and go, and the table grows.
        redis_client.zincrby("z", 10_000, str(number))
        redis_client.zadd(
            "z", {f"{number}:{i}": i for i in range(2_000)} if number < 5 else {"x": 1}
        )
        redis_client.zrem("z", *(f"{number - 1}:{i}" for i in range(2_000)))

    with before(url, "ZSCAN", change, *range(1, 1_000), protocol=protocol) as client:
        frame, report = whole_run(gf.scan_zsets(client, "z"))
    members = frame["member"]
    assert members.n_unique() == members.len()
    assert {str(i) for i in range(5_000)} <= set(members)
    assert report.keys_changed == 0


@pytest.mark.parametrize(
    ("change", "counter"),
    [
        ([("DEL", "z")], "keys_vanished"),
        ([("DEL", "z"), ("SET", "z", "x")], "keys_of_other_type"),
    ],
    ids=["deleted", "another type"],
)
@pytest.mark.parametrize(("ranks", "word"), [(False, "ZSCAN"), (True, "WATCH")])
def test_a_set_that_is_gone_after_its_first_answer(
    url: str,
    redis_client: redis.Redis,
    change: list[tuple[object, ...]],
    counter: str,
    ranks: bool,
    word: str,
) -> None:
    fill(redis_client, "z", 5_000)
    run = lambda: [redis_client.execute_command(*words) for words in change]  # noqa: E731
    with before(url, word, run) as client:
        frame, report = whole_run(gf.scan_zsets(client, "z", include_rank=ranks))
    assert frame.is_empty()
    assert getattr(report, counter) == 1
