"""The texts of queries, what splits off for Polars, and what needs no server."""

from __future__ import annotations

import datetime as dt
import struct

import polars as pl
import pytest

from gearframe.compat.polars_redis import col, cols, match_all, match_none, raw
from gearframe.exceptions import OptionError

A, B, C = col("a") == 1, col("b") == "x", col("t").contains("word")
REGEX = col("e").matches_regex("^x")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (col("age") > 30, "@age:[(30 +inf]"),
        (col("age") >= 30, "@age:[30 +inf]"),
        (col("age") < 30, "@age:[-inf (30]"),
        (col("age") <= -1.5, "@age:[-inf -1.5]"),
        (col("age") == 30, "@age:[30 30]"),
        (col("age") != 30, "-@age:[30 30]"),
        (col("age") > float("-inf"), "@age:[(-inf +inf]"),
        (col("age").is_between(20, 40), "@age:[20 40]"),
        (col("age").is_in([1, 2]), "@age:[1 1] | @age:[2 2]"),
        (col("age").is_in([1]), "@age:[1 1]"),
        (col("s") == "active", "@s:{active}"),
        (col("s") != "in active", r"-@s:{in\ active}"),
        (col("s") == "a|b", r"@s:{a\|b}"),
        (col("s") == "a-b@c.d", r"@s:{a\-b\@c\.d}"),
        (col("s") == "été 東京", "@s:{été\\ 東京}"),
        (col("s") == " a ", "@s:{a}"),
        (col("s") == "", '@s:{""}'),
        (col("s").is_in(["a", "b|c"]), r"@s:{a|b\|c}"),
        (col("s").is_in([]), "(@s:{0} -@s:{0})"),
        (col("s").is_in(["a", 1]), "@s:{a} | @s:[1 1]"),
        (col("flag") == True, "@flag:{true}"),  # noqa: E712
        (col("flag") != False, "-@flag:{false}"),  # noqa: E712
        (col("flag").is_in([True, False]), "@flag:{true} | @flag:{false}"),
        (col("my-field $") == "x", r"@my\-field\ \$:{x}"),
        (col("tags").has_tag("a b"), r"@tags:{a\ b}"),
        (col("tags").has_any_tag(["a", "b"]), "@tags:{a|b}"),
        (col("t").contains("python"), "@t:python"),
        (col("t").contains("hello world"), "@t:(hello world)"),
        (col("t").contains("e-mail: me@home"), "@t:(e mail me home)"),
        (col("t").starts_with("jo"), "@t:jo*"),
        (col("t").starts_with("john sm"), "@t:(john sm*)"),
        (col("t").ends_with("son"), "@t:*son"),
        (col("t").ends_with("lo world"), "@t:(*lo world)"),
        (col("t").contains_substring("ey wor"), "@t:(*ey wor*)"),
        (col("t").contains_substring("sun"), "@t:*sun*"),
        (col("t").matches("j*n"), "@t:w'j*n'"),
        (col("t").matches_exact("it's\\?"), r"@t:w'it\'s\\?'"),
        (col("t").fuzzy("john"), "@t:%john%"),
        (col("t").fuzzy("john smith", 2), "@t:(%%john%% %%smith%%)"),
        (col("t").phrase("hello", "wor-ld"), '@t:"hello wor ld"'),
        (col("t").phrase("a", "b", slop=2), "@t:(a b) => { $slop: 2; }"),
        (
            col("t").phrase("a", "b", slop=3, inorder=True),
            "@t:(a b) => { $slop: 3; $inorder: true; }",
        ),
        (cols("title", "body").contains("python"), "@title|body:python"),
        (cols("title", "body").contains("a b"), "@title|body:(a b)"),
        (cols("x", "y").starts_with("jo"), "@x|y:jo*"),
        (col("l").within_radius(-122.4, 37.7, 10, "mi"), "@l:[-122.4 37.7 10 mi]"),
        (col("e").is_null(), "ismissing(@e)"),
        (col("e").is_not_null(), "-ismissing(@e)"),
        (col("e") == None, "ismissing(@e)"),  # noqa: E711
        (col("e") != None, "-ismissing(@e)"),  # noqa: E711
        (C.boost(2), "(@t:word) => { $weight: 2.0; }"),
        (C & col("t").contains("more").optional(), "@t:word ~@t:more"),
        (raw("@x:y | @x:z"), "@x:y | @x:z"),
        (raw(" * "), "*"),
        (match_all(), "*"),
        (match_none(), "nothing -nothing"),
    ],
)  # fmt: skip
def test_text(query, text):
    assert query.to_redis() == text
    assert query.params == {}
    assert not query.is_client_side
    assert query.get_server_filter().to_redis() == text
    assert query.get_client_filter() is None
    assert query.explain() == f"RediSearch: {text}"


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (A & B, "@a:[1 1] @b:{x}"),
        (A | B, "@a:[1 1] | @b:{x}"),
        (A & B & C, "@a:[1 1] @b:{x} @t:word"),
        (A | B | C, "@a:[1 1] | @b:{x} | @t:word"),
        (A & (B | C), "@a:[1 1] (@b:{x} | @t:word)"),
        ((A & B) | C, "(@a:[1 1] @b:{x}) | @t:word"),
        (~(A | B), "-(@a:[1 1] | @b:{x})"),
        (~(A & B), "-(@a:[1 1] @b:{x})"),
        (~~A, "@a:[1 1]"),
        (A.not_(), "-@a:[1 1]"),
        (~(col("a") != 1), "@a:[1 1]"),
        (raw("x|y") & A, "(x|y) @a:[1 1]"),
        (raw("*") & A, "@a:[1 1]"),
        (raw("*") | A, "*"),
        (A & match_none(), "@a:[1 1] (nothing -nothing)"),
        (A & C.boost(3.5), "@a:[1 1] ((@t:word) => { $weight: 3.5; })"),
        (
            A | col("t").phrase("a", "b", slop=1),
            "@a:[1 1] | (@t:(a b) => { $slop: 1; })",
        ),
        (A & col("a").is_in([1, 2]), "@a:[1 1] (@a:[1 1] | @a:[2 2])"),
    ],
)
def test_combined(query, text):
    assert query.to_redis() == text


def test_knn_goes_around_all_other_conditions():
    nearest = col("v").knn(3, vector=[1.0, 0.5])
    for query in ((col("p") < 5) & nearest, nearest & (col("p") < 5)):
        assert query.to_redis() == "(@p:[-inf (5])=>[KNN 3 @v $query_vec]"
        assert query.params == {"query_vec": struct.pack("<2f", 1.0, 0.5)}
    assert nearest.to_redis() == "*=>[KNN 3 @v $query_vec]"
    assert (match_all() & nearest).to_redis() == "*=>[KNN 3 @v $query_vec]"
    both = (A | B) & nearest & C
    assert both.to_redis() == "((@a:[1 1] | @b:{x}) @t:word)=>[KNN 3 @v $query_vec]"
    for bad in (nearest | A, ~nearest, nearest.boost(2), (nearest | A) & B):
        with pytest.raises(OptionError, match="knn"):
            bad.to_redis()
        assert "knn" in repr(bad)
    with pytest.raises(OptionError, match="one knn"):
        nearest & nearest


def test_knn_beside_a_condition_for_polars():
    query = A & REGEX & col("v").knn(3, "vec")
    assert query.get_server_filter().to_redis() == "(@a:[1 1])=>[KNN 3 @v $vec]"
    assert query.get_server_filter().missing_params == ["vec"]
    assert query.get_client_filter() is not None
    alone = REGEX & col("v").knn(3, "vec")
    assert alone.get_server_filter().to_redis() == "*=>[KNN 3 @v $vec]"


def test_params_of_vectors():
    near = col("v").vector_range(0.5, "near")
    assert near.to_redis() == "@v:[VECTOR_RANGE 0.5 $near]"
    assert (near.params, near.missing_params) == ({}, ["near"])
    given = col("v").vector_range(0.5, vector=b"1234")
    assert (given.params, given.missing_params) == ({"query_vec": b"1234"}, [])
    with pytest.raises(OptionError, match="vector"):
        col("v").knn(1, vector="text")
    with pytest.raises(OptionError, match="vector_param"):
        col("v").knn(1, "a b")


def test_params_of_polygons_have_names_of_their_own():
    first = col("g").within_polygon([(0, 0), (0, 1), (1, 1)])
    second = col("g").within_polygon([(0, 0), (0, 2.5), (2, 2), (0, 0)])
    assert first.to_redis() == "@g:[WITHIN $poly]"
    assert first.params == {"poly": "POLYGON((0 0, 0 1, 1 1, 0 0))"}
    both = first | second
    assert both.to_redis() == "@g:[WITHIN $poly] | @g:[WITHIN $poly2]"
    assert both.params == {
        "poly": "POLYGON((0 0, 0 1, 1 1, 0 0))",
        "poly2": "POLYGON((0 0, 0 2.5, 2 2, 0 0))",
    }
    assert list((first & first).params) == ["poly"]


FRAME = pl.DataFrame(
    {
        "e": ["xa@gmail.com", "b@x.org", None],
        "n": [1, 5, None],
        "d": ["2024-01-31", "2023-06-01T10:30:00+02:00", None],
        "l": [[1, 2], [3], None],
        "j": ['{"u": {"r": "admin", "n": 5, "b": true}}', '{"u": {}}', None],
        "s": ["Ann", "bob", None],
        "t": ["hello, wide world", "The-Other", None],
        "day": [dt.date(2024, 1, 31), dt.date(2023, 6, 1), None],
    }
)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        (col("e").matches_regex(r"@gmail\.com$"), [0]),
        (col("e").icontains("GMAIL"), [0]),
        (col("s").iequals("ANN"), [0]),
        (col("e").contains_any(["org", "net"]), [1]),
        (col("s").similar_to("Anna", 0.8), [0]),
        (col("d").as_date() > "2024-01-01", [0]),
        (col("d").as_date() == dt.date(2023, 6, 1), [1]),
        (col("d").as_date() != "2023-06-01", [0]),
        (col("day").as_date().is_between("2024-01-01", "2024-12-31"), [0]),
        (col("d").as_datetime() == "2023-06-01T08:30:00", [1]),
        (col("d").as_datetime() >= dt.datetime(2024, 1, 1, tzinfo=dt.UTC), [0]),
        (col("day").as_datetime() < "2024-01-01", [1]),
        (col("d").as_date().year() == 2024, [0]),
        (col("d").as_date().month().is_in([6, 7]), [1]),
        (col("d").as_date().day() >= 31, [0]),
        (col("d").as_date().weekday() <= 3, [0]),
        (col("d").as_datetime().hour() == 8, [1]),
        (col("d").as_datetime().minute() > 0, [1]),
        (col("d").as_date().hour() == 0, [0, 1]),
        (col("l").array_contains(3), [1]),
        (col("l").array_len() > 1, [0]),
        (col("j").json_path("$.u.r") == "admin", [0]),
        (col("j").json_path("$.u.n") > 4, [0]),
        (col("j").json_path("$.u.b") == True, [0]),  # noqa: E712
        (col("s") > "a", [1]),
        (col("day") >= dt.date(2024, 1, 1), [0]),
        (col("day").is_between(dt.date(2024, 1, 1), dt.date(2024, 2, 1)), [0]),
        (col("n") > 2**60, []),
        (col("s") == "a\x01b", []),
    ],
)
def test_what_polars_answers_is_never_asked_for_as_everything(query, rows):
    assert query.is_client_side
    with pytest.raises(OptionError, match="RediSearch cannot answer"):
        query.to_redis()
    assert query.get_server_filter() is None
    found = FRAME.with_row_index().filter(query.get_client_filter().to_polars())
    assert found["index"].to_list() == rows
    assert query.explain().startswith("RediSearch: *  (all documents)\nPolars filter: ")


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        (col("n") > 1, [1]),
        (col("n").is_between(1, 4), [0]),
        (col("n").is_in([1, 9]), [0]),
        (col("n").is_in([]), []),
        (col("s") == "Ann", [0]),
        (col("s").is_in(["bob"]), [1]),
        (col("s").has_any_tag(["ANN", "x"]), [0]),
        (col("n").is_null(), [2]),
        (col("n").is_not_null(), [0, 1]),
        (col("t").contains("world Hello"), [0]),
        (col("t").contains("wor"), []),
        (col("t").starts_with("oth"), [1]),
        (col("t").ends_with("ther"), [1]),
        (col("t").contains_substring("lo wi"), [0]),
        (col("t").contains_substring("lo or"), []),
        (col("t").matches("w?r*d"), [0]),
        (col("t").phrase("wide", "world"), [0]),
        (col("t").phrase("hello", "world"), []),
        (cols("s", "t").contains("ann"), [0]),
        ((col("n") == 1) | (col("s") == "bob"), [0, 1]),
        (~(col("n") == 1), [1]),
        ((col("n") == 1).boost(2) & (col("s") == "x").optional(), [0]),
        (match_all(), [0, 1, 2]),
    ],
)
def test_to_polars(query, rows):
    expression = query.to_polars()
    assert isinstance(expression, pl.Expr)
    assert FRAME.with_row_index().filter(expression)["index"].to_list() == rows


@pytest.mark.parametrize(
    "query",
    [
        col("t").fuzzy("x"),
        col("t").phrase("a", "b", slop=1),
        col("g").within_radius(0, 0, 1),
        col("g").within_polygon([(0, 0), (0, 1), (1, 1)]),
        col("v").knn(1),
        col("v").vector_range(1),
        raw("x"),
    ],
)
def test_what_polars_cannot_answer(query):
    with pytest.raises(OptionError, match="RediSearch only"):
        query.to_polars()


@pytest.mark.parametrize(
    ("query", "asked", "client"),
    [
        (A & REGEX, "@a:[1 1]", '"^x"'),
        (REGEX & A & B, "@a:[1 1] @b:{x}", '"^x"'),
        (A & ~REGEX, "@a:[1 1]", "not"),
        (A | REGEX, None, '"^x"'),
        ((A & REGEX) | (B & REGEX), "@a:[1 1] | @b:{x}", "|"),
        ((A & REGEX) | B, "@a:[1 1] | @b:{x}", "|"),
        (~(A & REGEX), None, "not"),
        ((A & REGEX).boost(2), "(@a:[1 1]) => { $weight: 2.0; }", '"^x"'),
        ((A & REGEX).optional() & B, "~@a:[1 1] @b:{x}", None),
    ],
)
def test_split(query, asked, client):
    ours = query.get_server_filter()
    assert (None if ours is None else ours.to_redis()) == asked
    left = query.get_client_filter()
    assert (left is None) == (client is None)
    if left is not None:
        assert client in str(left.to_polars())
        assert f"Polars filter: {left.to_polars()}" in query.explain()


@pytest.mark.parametrize(
    "bad",
    [
        lambda: col(""),
        lambda: col(5),
        lambda: cols(),
        lambda: cols("a", ""),
        lambda: raw(""),
        lambda: raw(5),
        lambda: col("a") > None,
        lambda: col("a") > float("nan"),
        lambda: col("a") > col("b"),
        lambda: col("a") == pl.col("b"),
        lambda: col("a").is_in("abc"),
        lambda: col("a").is_in([None]),
        lambda: col("a").is_between(None, 1),
        lambda: col("a").has_any_tag("abc"),
        lambda: col("a").has_any_tag([1]),
        lambda: col("a").contains(""),
        lambda: col("a").contains("--- !"),
        lambda: col("a").contains(5),
        lambda: col("a").contains("\\\\_"),
        lambda: col("a").contains("x\\\t"),
        lambda: col("a").fuzzy("x", 4),
        lambda: col("a").phrase(),
        lambda: col("a").phrase("a", "b", slop=-1),
        lambda: col("a").matches(""),
        lambda: col("a").within_radius(0, 0, 1, "miles"),
        lambda: col("a").within_radius("0", 0, 1),
        lambda: col("a").within_polygon([(0, 0), (1, 1)]),
        lambda: col("a").knn(0),
        lambda: col("a").similar_to("x", 2),
        lambda: col("a").as_date() > "2024-02-31",
        lambda: col("a").as_date() > 5,
        lambda: col("a").as_datetime() > "noon",
        lambda: col("a").array_len() > 1.5,
        lambda: col("a").json_path("$.a") == None,  # noqa: E711
        lambda: col("a").to_redis(),
        lambda: col("a") & A,
        lambda: A & "text",
        lambda: A | True,
        lambda: A and B,
        lambda: not A,
        lambda: 1 < col("a") < 5,
        lambda: A.boost(-1),
    ],
)
def test_what_cannot_be_asked_for(bad):
    with pytest.raises(OptionError):
        bad().to_redis()
