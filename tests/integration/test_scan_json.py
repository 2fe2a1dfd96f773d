"""JSON documents as frames: shapes of replies, pushdown, values, what does not fit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl
import pytest
import redis
from polars.testing import assert_frame_equal

import gearframe as gf
from tests.integration.commandstats import counted
from tests.servers.fixtures import FreshServer

ARTICLE = {"title": pl.String, "views": pl.Int64, "n": pl.Struct({"x": pl.Int64})}


@pytest.fixture
def server_client(json_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(json_url, protocol=2) as client:
        yield client


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(request: pytest.FixtureRequest, json_url: str) -> Iterator[gf.Client]:
    with gf.connect(json_url, protocol=request.param) as client:
        yield client


@pytest.fixture
def put(server_client: redis.Redis) -> Callable[[dict[str, Any]], None]:
    def put(documents: dict[str, Any]) -> None:
        pipe = server_client.pipeline(transaction=False)
        for key, document in documents.items():
            text = document if isinstance(document, bytes) else json.dumps(document)
            pipe.execute_command("JSON.SET", key, "$", text)
        pipe.execute()

    return put


Put = Callable[[dict[str, Any]], None]


@pytest.fixture
def articles(put: Put) -> None:
    put({f"a:{i}": {"title": f"T{i}", "views": i, "n": {"x": i}} for i in range(3)})


# -- shapes of replies and pushdown --------------------------------------------------------------


@pytest.mark.usefixtures("articles")
def test_one_column_is_read_as_well_as_two(client: gf.Client) -> None:
    lf = client.scan_json("a:*", ARTICLE)
    assert sorted(lf.select("title").collect()["title"]) == ["T0", "T1", "T2"]
    assert lf.select(pl.col("views").sum()).collect().item() == 3
    assert lf.filter(pl.col("views") > 0).select("views").collect().height == 2
    two = lf.select("title", "views").sort("views").collect()
    assert two.rows() == [("T0", 0), ("T1", 1), ("T2", 2)]


@pytest.mark.usefixtures("articles")
def test_the_commands_are_those_of_the_columns(client: gf.Client, json_url: str) -> None:
    lf = client.scan_json("a:*", ARTICLE, document_column="json")
    queries = {
        "JSON.GET for each key: $.views": (lf.select("views"), {"scan": 1, "json.get": 3}),
        "JSON.GET for each key: $.title $.views (without paths where a sample shows no other "
        "members)": (lf.select("title", "views"), {"scan": 1, "json.get": 3}),
        "JSON.GET for each key": (lf.select("json"), {"scan": 1, "json.get": 3}),
        "SCAN MATCH a:* COUNT 1000 TYPE ReJSON-RL": (lf.select("_key"), {"scan": 1}),
    }
    with redis.Redis.from_url(json_url) as other:
        for line, (query, calls) in queries.items():
            assert f"  {line}" in gf.explain(query).splitlines()
            with counted(other) as seen:
                query.collect()
            assert seen == calls
            shown = {name.lower(): n for name, n in gf.reports(query)[0].commands.items()}
            assert shown == calls
        assert "  JSON.GET for each key" in gf.explain(lf.select("json", "n")).splitlines()
        with counted(other) as seen:
            assert lf.select(pl.len()).collect().item() == 3
        assert seen == {"scan": 1}


@contextmanager
def logged(client: redis.Redis) -> Iterator[list[list[str]]]:
    """Fill a list with the arguments of each JSON.GET that the server gets inside the block."""
    client.config_set("slowlog-log-slower-than", 0)
    client.slowlog_reset()
    arguments: list[list[str]] = []
    yield arguments
    entries = client.slowlog_get(128)
    client.config_set("slowlog-log-slower-than", 10_000)
    commands = [entry["command"].decode().split() for entry in entries]
    arguments += [words[1:] for words in commands if words[0] == "JSON.GET"]


def test_a_path_is_asked_once(put: Put, client: gf.Client, server_client: redis.Redis) -> None:
    put({"k": {"a": {"b": 1}}})
    paths_of = {**dict.fromkeys(["one", "two", "three"], "$.a.b"), "member": "$.a", "again": "$.a"}
    objects = dict.fromkeys(["member", "again"], pl.Struct({"b": pl.Int64}))
    schema = {"one": pl.Int64, "two": pl.Float64, "three": pl.Int64, **objects}
    lf = client.scan_json("k", schema, paths=paths_of, document_column="json")
    values = {"json": '{"a":{"b":1}}', "member": {"b": 1}, "again": {"b": 1}}
    for columns, paths in [
        (["one"], ["$.a.b"]),
        (["one", "two", "three"], ["$.a.b"]),
        (["one", "two", "json"], ["$.a.b", "$"]),
        (["member", "json"], []),
        (["member", "again"], ["$.a"]),
        (["member", "again", "one"], ["$.a.b", "$.a"]),
        (["json"], []),
    ]:
        with logged(server_client) as arguments:
            row = lf.select(columns).collect().row(0)
        assert arguments == [["k", *paths]]
        assert row == tuple(values.get(name, 1) for name in columns)


def sampled(client: redis.Redis, lf: pl.LazyFrame) -> tuple[pl.DataFrame, dict[str, int], bool]:
    """Give a frame, the commands that it took, and whether whole documents were asked for."""
    with logged(client) as arguments, counted(client) as calls:
        frame = lf.collect()
    assert len({len(each) for each in arguments}) == 1
    return frame, calls, len(arguments[0]) == 1


def test_whole_documents_where_all_members_are_wanted(
    put: Put, client: gf.Client, server_client: redis.Redis
) -> None:
    put({f"d:{i}": {"a": i, "b b": str(i)} for i in range(80)})
    lf = client.scan_json("d:*", {"b b": pl.String, "a": pl.Int64, "none": pl.Int64})
    frame, calls, whole = sampled(server_client, lf)
    assert sorted(frame.rows()) == sorted((f"d:{i}", str(i), i, None) for i in range(80))
    assert whole
    assert calls == {"scan": 1, "json.objkeys": 16, "json.get": 80}
    assert gf.reports(lf)[0].commands == {
        "SCAN": 1,
        "JSON.OBJKEYS (sample)": 16,
        "JSON.GET": 80,
    }
    _, calls, whole = sampled(server_client, lf.select("a"))
    assert not whole
    assert "json.objkeys" not in calls


@pytest.mark.parametrize("other", [{"a": 1, "x": 1}, {"x": {"a": 1}}], ids=["beside", "instead"])
def test_paths_where_documents_have_other_members(
    put: Put, client: gf.Client, server_client: redis.Redis, other: dict[str, Any]
) -> None:
    put({f"d:{i}": other for i in range(80)})
    lf = client.scan_json("d:*", {"a": pl.Int64, "b": pl.Int64}, include_key=False)
    frame, calls, whole = sampled(server_client, lf)
    assert frame.unique().rows() == [(other.get("a"), None)]
    assert calls["json.objkeys"] == 16
    assert not whole


def test_a_sample_without_objects_or_with_other_types(
    put: Put, client: gf.Client, server_client: redis.Redis
) -> None:
    put({f"d:{i}": [i] if i % 2 else i for i in range(100)})
    server_client.mset({f"d:s{i}": "text" for i in range(100)})
    lf = client.scan_json("d:*", {"a": pl.Int64, "0": pl.Int64}, include_key=False)
    assert lf.collect().unique().rows() == [(None, None)]
    report = gf.reports(lf)[0]
    assert (report.rows, report.keys_of_other_type) == (100, 100)
    for name in ("a", "0"):  # by path, without a sample
        assert lf.select(name).collect().unique().rows() == [(None,)]


def test_keys_of_another_type_do_not_spoil_the_sample(
    put: Put, client: gf.Client, server_client: redis.Redis
) -> None:
    put({f"d:{i}": {"a": i, "b": i} for i in range(40)})
    server_client.mset({f"d:s{i}": "text" for i in range(40)})
    lf = client.scan_json("d:*", {"a": pl.Int64, "b": pl.Int64}, include_key=False)
    frame, _, whole = sampled(server_client, lf)
    assert whole
    assert sorted(frame.rows()) == [(i, i) for i in range(40)]


def test_a_document_with_more_members_ends_whole_documents(
    put: Put, client: gf.Client, server_client: redis.Redis
) -> None:
    """Of 6,000 named keys the sample is every 375th; these and the first ones are small."""
    small = [i < 2000 or i % 375 == 0 for i in range(6000)]
    put({f"d:{i}": {"a": i, "b": i} for i in range(6000) if small[i]})
    put({f"d:{i}": {"a": i, "x": "x" * 4000} for i in range(6000) if not small[i]})
    keys = [f"d:{i}" for i in range(6000)]
    lf = client.scan_json(schema={"a": pl.Int64, "b": pl.Int64}, keys=keys, include_key=False)
    assert lf.collect().rows() == [(i, i if small[i] else None) for i in range(6000)]
    assert 1_000_000 < gf.reports(lf)[0].bytes_read < 12_000_000


@pytest.mark.parametrize("columns", [["title"], ["title", "json"], ["json"], ["title", "views"]])
def test_only_what_is_asked_travels(put: Put, client: gf.Client, columns: list[str]) -> None:
    put({"k": {"title": "T", "views": 1, "big": "x" * 100_000}})
    lf = client.scan_json("k", {"title": pl.String, "views": pl.Int64}, document_column="json")
    assert lf.select(columns).collect().height == 1
    assert (gf.reports(lf)[0].bytes_read > 100_000) == ("json" in columns)


@pytest.mark.usefixtures("articles")
def test_the_document_is_as_the_server_writes_it(
    client: gf.Client, server_client: redis.Redis, put: Put
) -> None:
    put({"a:x": b'{ "u": "\\u00e9\\u0000\\n\\"", "e": 1e3, "n": [ ] , "z": -0.0}', "a:y": [1, {}]})
    alone = client.read_json("a:*", document_column="json").sort("_key")
    beside = client.read_json("a:*", {"views": int}, document_column="json").sort("_key")
    right = [server_client.execute_command("JSON.GET", key).decode() for key in alone["_key"]]
    assert alone["json"].to_list() == right
    assert beside["json"].to_list() == right
    assert beside["views"].to_list() == [0, 1, 2, None, None]
    assert beside.columns == ["_key", "views", "json"]


# -- paths ---------------------------------------------------------------------------------------

NAMES = [
    "a.b", "", "sp ace", "trailing ", "'", '"', "'\"", "\\", "a\\", "a\\b", '\\"', "]", "['x']",
    "$", "@", "*", "..", "[0]", "ünï", "🦀", "tab\t", "new\nline", "\x01'\\", "1a", "-", "a,b",
    "a:b", "?(@)", "/", "\\n", "\u2028",
]  # fmt: skip


def test_members_of_any_name(put: Put, client: gf.Client) -> None:
    put({"k": {name: number for number, name in enumerate(NAMES)}})
    schema = dict.fromkeys(NAMES, pl.Int64)
    lf = client.scan_json("k", schema, include_key=False)
    assert lf.collect().row(0) == tuple(range(len(NAMES)))
    for number, name in enumerate(NAMES):
        one = client.read_json("k", {name: pl.Int64}, include_key=False)
        assert one.item() == number, name


def test_a_name_that_begins_with_a_blank_is_refused(put: Put, client: gf.Client) -> None:
    put({"k": {" a": 1, "a": 2}})
    with pytest.raises(gf.SchemaError, match=r"begins with a blank.*read its parent"):
        client.scan_json("k", {" a": pl.Int64})
    with pytest.raises(gf.SchemaError, match="begins with a blank"):
        client.scan_json("k", {"x": pl.Int64}, paths={"x": '$.y[" a"]'})
    dtype = pl.Struct({" a": pl.Int64})
    found = client.read_json("k", {"parent": dtype}, paths={"parent": "$"})
    assert found["parent"].to_list() == [{" a": 1}]


def test_definite_and_indefinite_paths(put: Put, client: gf.Client) -> None:
    put(
        {
            "k:1": {"a": {"b": [10, 20, 30]}, "c": [{"n": "x"}, {"n": None}, {}], "z": None},
            "k:2": {"a": 5, "c": []},
            "k:3": [7],
        }
    )
    numbers, texts = pl.List(pl.Int64), pl.List(pl.String)
    schema = {
        "first": (pl.Int64, "$.a.b[0]"),
        "last": (pl.Int64, "$.a.b[-1]"),
        "none": (pl.Int64, "$.z"),
        "root": (pl.Int64, "$[0]"),
        "all": (numbers, "$.a.b[*]"),
        "slice": (pl.Array(pl.Int64, 2), "$.a.b[0:2]"),
        "filter": (numbers, "$.a.b[?(@>10)]"),
        "union": (numbers, "$.a.b[0,2]"),
        "deep": (texts, "$..n"),
        "list": (numbers, '$.a["b"]'),
    }
    found = client.read_json(
        "k:*",
        {name: dtype for name, (dtype, _) in schema.items()},
        paths={name: path for name, (_, path) in schema.items()},
        on_error="null",
    ).sort("_key")
    assert found.rows() == [
        ("k:1", 10, 30, None, None, [10, 20, 30], [10, 20], [20, 30], [10, 30], ["x", None],
         [10, 20, 30]),
        ("k:2", None, None, None, None, [], None, [], [], [], None),
        ("k:3", None, None, None, 7, [], None, [], [], [], None),
    ]  # fmt: skip


@pytest.mark.usefixtures("articles")
def test_an_inferred_schema(client: gf.Client) -> None:
    lf = client.scan_json("a:*", "infer", document_column="json")
    assert lf.collect_schema() == {"_key": pl.String, **ARTICLE, "json": pl.String}
    assert lf.select("views", "n").sort("views").collect().row(2) == (2, {"x": 2})
    city = client.read_json("a:*", gf.infer_schema(client, "a:*"), paths={"views": "$.n.x"})
    assert sorted(city["views"]) == [0, 1, 2]


def test_scalars_and_arrays_at_the_root(put: Put, client: gf.Client) -> None:
    put({"n": 5, "s": "text", "b": True, "z": None, "l": [1, 2], "o": {"x": 1}})
    root = {"v": "$"}

    def read(key: str, dtype: Any) -> Any:
        return client.read_json(key, {"v": dtype}, paths=root)["v"].to_list()

    assert read("n", pl.Int64) == [5]
    assert read("s", pl.String) == ["text"]
    assert read("b", pl.Boolean) == [True]
    assert read("z", pl.Int64) == [None]
    assert read("l", pl.List(pl.Int8)) == [[1, 2]]
    assert read("o", pl.Struct({"x": pl.Int64, "y": pl.String})) == [{"x": 1, "y": None}]
    everything = client.read_json("*", {"x": pl.Int64}).sort("_key")
    assert everything["x"].to_list() == [None, None, None, 1, None, None]


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({}, gf.SchemaError, "schema={'name': pl.String, ...} .* document_column='json'"),
    ({"schema": {"a": int}, "paths": {"a": ".a.b"}}, gf.OptionError, r"write '\$\.a\.b'"),
    ({"schema": {"a": int}, "paths": {"a": "a.b"}}, gf.OptionError, r"write '\$\.a\.b'"),
    ({"schema": {"a": int}, "paths": {"a": "."}}, gf.OptionError, r"legacy path; write '\$'"),
    ({"schema": {"a": int}, "paths": {"a": "['b']"}}, gf.OptionError, r"""write "\$\['b'\]"""),
    ({"schema": {"a": int}, "paths": {"a": ""}}, gf.OptionError, "is no path; expected"),
    ({"schema": {"a": int}, "paths": {"a": 5}}, gf.OptionError, "is no path; expected"),
    ({"schema": {"a": int}, "paths": ["$.a"]}, gf.OptionError, "expected a mapping"),
    ({"schema": {"a": int}, "paths": {"b": "$.b"}}, gf.OptionError, "'b' is no column"),
    ({"schema": {"a": int}, "paths": {"a": "$..a"}}, gf.SchemaError, r"more than one.*pl.List"),
    ({"schema": {"a": int}, "paths": {"a": "$.a[*]"}}, gf.SchemaError, "more than one value"),
    ({"schema": {"a": int}, "document_column": "a"}, gf.SchemaError, "rename one"),
    ({"schema": {"_key": str}}, gf.SchemaError, "'_key'"),
    ({"document_column": "_key"}, gf.SchemaError, "'_key'"),
    ({"schema": {"a": object}}, gf.SchemaError, "Object is not supported"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "error", "message"), REFUSED)
def test_what_cannot_be_asked(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with gf.connect() as client, pytest.raises(error, match=message) as caught:
        client.scan_json("*", **options)
    assert type(caught.value) is error


@pytest.mark.parametrize("also", [{}, {"b": pl.Int64}], ids=["alone", "beside another"])
def test_a_path_that_the_server_refuses(put: Put, client: gf.Client, also: dict[str, Any]) -> None:
    put({"k": {"a": 1, "b": 2}})
    dtype = pl.List(pl.Int64)
    with pytest.raises(gf.ReplyError, match=re.escape("$[bad")):
        client.read_json("k", {"a": dtype, **also}, paths={"a": "$[bad"})


# -- values --------------------------------------------------------------------------------------

GOOD: list[tuple[Any, bytes, object]] = [
    (pl.UInt64, b"18446744073709551615", 2**64 - 1),
    (pl.Int64, b"-9223372036854775808", -(2**63)),
    (pl.Int128, b"18446744073709551615", 2**64 - 1),
    (pl.Int8, b"-128", -128),
    (pl.Float64, b"1e3", 1000.0),
    (pl.Float64, b"3", 3.0),
    (pl.Float64, b"-0.0", -0.0),
    (pl.Float64, b"0.1", 0.1),
    (pl.Float64, b"5e-324", 5e-324),
    (pl.Float64, b"1.7976931348623157e308", 1.7976931348623157e308),
    (pl.Boolean, b"true", True),
    (pl.String, '"zażółć 🦀\\u0000\\n\\"\\\\"'.encode(), 'zażółć 🦀\0\n"\\'),
    (pl.String, b'""', ""),
    (pl.String, b'"null"', "null"),
    (pl.Binary, b'"abc"', b"abc"),
    (pl.Categorical, b'"red"', "red"),
    (pl.Enum(["red"]), b'"red"', "red"),
    (pl.List(pl.Int64), b"[1,null,3]", [1, None, 3]),
    (pl.List(pl.Int64), b"[]", []),
    (pl.List(pl.UInt64), b"[18446744073709551615]", [2**64 - 1]),
    (pl.List(pl.List(pl.String)), b'[["a"],null,[]]', [["a"], None, []]),
    (pl.Array(pl.Int8, 2), b"[1,2]", [1, 2]),
    (pl.Struct({"a": pl.Struct({"b": pl.Int64})}), b'{"a":{"b":1,"c":2}}', {"a": {"b": 1}}),
    (pl.Struct({"a": pl.List(pl.String)}), b'{"a":null}', {"a": None}),
]  # fmt: skip


@pytest.mark.parametrize("others", [False, True], ids=["one path", "two paths"])
def test_values_that_fit(put: Put, client: gf.Client, others: bool) -> None:
    names = [f"c{number}" for number in range(len(GOOD))]
    members = b",".join(
        b'"%s":%s' % (name.encode(), text) for name, (_, text, _) in zip(names, GOOD, strict=True)
    )
    put({"k": b"{%s}" % members})
    for name, (dtype, text, value) in zip(names, GOOD, strict=True):
        schema = {name: dtype, "missing": pl.Int64} if others else {name: dtype}
        found = client.read_json("k", schema)
        assert found[name].to_list() == [value], (dtype, text)
    at_once = client.read_json("k", dict(zip(names, (dtype for dtype, _, _ in GOOD), strict=True)))
    assert at_once.row(0) == ("k", *(value for _, _, value in GOOD))


BAD: list[tuple[Any, str, str]] = [
    (pl.Int64, "1.9", r"is 1\.9, .* has a fractional part"),
    (pl.Int64, "1.0", "has a fractional part"),
    (pl.Int64, "1e3", r"is 1000\.0, .* has a fractional part"),
    (pl.Int64, "18446744073709551615", "is out of range"),
    (pl.Int128, str(2**100), r"is 1\.267650600228229\d*e30"),
    (pl.Int8, "128", r"is out of range \(-128 to 127\)"),
    (pl.Int64, '"1"', "is a JSON string, where Int64 takes a JSON number"),
    (pl.Int64, "true", "is a JSON boolean"),
    (pl.Float64, '"1.5"', "is a JSON string"),
    (pl.Boolean, "1", "is a JSON number, where Boolean takes true or false"),
    (pl.String, "1", "is a JSON number, where String takes a JSON string"),
    (pl.String, '{"a":1}', "is a JSON object"),
    (pl.String, "[1]", "is a JSON array"),
    (pl.Date, '"2024-02-31"', 'is "2024-02-31", .* is not a calendar date'),
    (pl.List(pl.Int64), "1", "where a JSON array is expected"),
    (pl.List(pl.Int64), "[1,2.5]", r"at \$\[1\]"),
    (pl.Struct({"a": pl.Int64}), "[1]", "where a JSON object is expected"),
    (pl.Struct({"a": pl.Int64}), '{"a":"x"}', r"at \$.a: is a JSON string"),
    (pl.Array(pl.Int64, 2), "[1]", "has 1 elements, not 2"),
]  # fmt: skip


@pytest.mark.parametrize(("dtype", "text", "reason"), BAD)
def test_values_that_do_not_fit(
    put: Put, client: gf.Client, dtype: Any, text: str, reason: str
) -> None:
    put({"doc:1": b'{"in":{"v":%s}}' % text.encode()})
    schema, paths = {"column": dtype, "other": pl.Int64}, {"column": "$.in.v"}
    with pytest.raises(gf.DataError, match=reason) as caught:
        client.read_json("doc:1", schema, paths=paths)
    assert 'path "$.in.v" of key "doc:1" (column "column") is' in str(caught.value)
    assert (caught.value.key, caught.value.field) == (b"doc:1", "column")
    lf = client.scan_json("doc:1", schema, paths=paths, on_error="null")
    assert lf.collect().row(0) == ("doc:1", None, None)
    assert gf.reports(lf)[0].values_nulled == 1
    lf = client.scan_json("doc:1", schema, paths=paths, on_error="skip")
    assert lf.collect().height == 0
    assert gf.reports(lf)[0].rows_skipped == 1
    assert lf.select("other").collect().height == 0


def test_nested_members_are_one_with_and_without_projection(put: Put, client: gf.Client) -> None:
    put({"k": {"n": {"x": 1, "l": [{"y": None}]}, "n.x": 2, "l": ["a"]}})
    nested = pl.Struct({"x": pl.Int64, "l": pl.List(pl.Struct({"y": pl.String}))})
    schema = {"n": nested, "n.x": pl.Int64, "l": pl.List(pl.String), "x": pl.Int64}
    lf = client.scan_json("k", schema, paths={"x": "$.n.x"})
    whole = lf.collect()
    assert whole.row(0) == ("k", {"x": 1, "l": [{"y": None}]}, 2, ["a"], 1)
    for name in schema:
        assert_frame_equal(lf.select(name).collect(), whole.select(name))


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, -(2**63)])
def test_no_number_is_changed(put: Put, client: gf.Client, number: int) -> None:
    put({"k": {"v": number}})
    assert client.read_json("k", {"v": pl.Int128})["v"].to_list() == [number]
    if number >= 2**63:
        with pytest.raises(gf.DataError):
            client.read_json("k", {"v": pl.Int64})


def test_an_integer_that_the_server_made_a_double_is_that_double(
    put: Put, client: gf.Client, server_client: redis.Redis
) -> None:
    put({"k": {"v": 2**100}})
    kept = float(server_client.execute_command("JSON.GET", "k", ".v"))
    assert client.read_json("k", {"v": pl.Float64})["v"].to_list() == [kept]
    assert kept == pytest.approx(2**100, rel=1e-15)


# -- keys ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("articles")
def test_other_types_and_vanished_keys_are_counted(
    client: gf.Client, server_client: redis.Redis
) -> None:
    server_client.set("a:s", "text")
    server_client.hset("a:h", "title", "no document")
    keys = ["a:0", "a:s", "a:h", "a:gone", "a:2"]
    for columns in (["title"], ["title", "views"], ["_key"]):
        lf = client.scan_json(schema=ARTICLE, keys=keys).select(columns)
        assert lf.collect().height == 2
        report = gf.reports(lf)[0]
        assert (report.keys_seen, report.keys_of_other_type, report.keys_vanished) == (5, 2, 1)
    lf = client.scan_json("a:*", ARTICLE)
    assert sorted(lf.collect()["_key"]) == ["a:0", "a:1", "a:2"]
    assert gf.reports(lf)[0].keys_of_other_type == 2


@pytest.mark.usefixtures("articles")
def test_options_of_all_scans(client: gf.Client, server_client: redis.Redis) -> None:
    server_client.pexpire("a:1", 100_000)
    found = client.read_json(
        schema={"views": pl.Int64},
        key_schema="a:{id:Int64}",
        include_ttl=True,
        row_index_name="row",
        row_index_offset=7,
    )
    assert found.columns == ["row", "_key", "id", "_ttl", "views"]
    assert sorted(found["row"]) == [7, 8, 9]
    assert found["id"].to_list() == found["views"].to_list()
    ttls = dict(found.select("_key", "_ttl").iter_rows())
    assert [ttls["a:0"], ttls["a:2"]] == [None, None]
    assert 50 < ttls["a:1"].total_seconds() <= 100
    one = client.scan_json("a:*", ARTICLE).filter(pl.col("_key") == "a:1")
    assert "fetched without SCAN" in gf.explain(one)
    assert one.collect()["title"].to_list() == ["T1"]


def test_many_documents_are_those_of_redis_py(
    client: gf.Client, server_client: redis.Redis
) -> None:
    pipe = server_client.pipeline(transaction=False)
    for i in range(5000):
        document = {"i": i, "f": i / 7, "s": "żx" * (i % 50), "l": list(range(i % 5))}
        if i % 3 == 0:
            del document["s"]
        pipe.execute_command("JSON.SET", f"d:{i}", "$", json.dumps({**document, "n": {"i": i}}))
    pipe.execute()
    schema = {
        "i": pl.Int64(),
        "f": pl.Float64(),
        "s": pl.String(),
        "l": pl.List(pl.Int64()),
        "n": pl.Struct({"i": pl.Int64()}),
    }
    lf = client.scan_json("d:*", schema)
    keys = list(server_client.scan_iter("d:*", count=1000))
    texts = [
        server_client.execute_command("JSON.MGET", *keys[at : at + 500], "$")
        for at in range(0, len(keys), 500)
    ]
    documents = [json.loads(text)[0] for page in texts for text in page]
    rows = {key.decode(): document for key, document in zip(keys, documents, strict=True)}
    expected = pl.DataFrame(
        [{"_key": key, **{name: doc.get(name) for name in schema}} for key, doc in rows.items()],
        schema={"_key": pl.String(), **schema},
    ).sort("_key")
    assert_frame_equal(lf.collect().sort("_key"), expected)
    assert_frame_equal(lf.select("s", "_key").collect().sort("_key"), expected.select("s", "_key"))
    assert lf.head(10).collect().height == 10


@pytest.mark.servers("valkey91", "redis82")
def test_a_server_without_json_says_what_to_load(url: str) -> None:
    with redis.Redis.from_url(url) as other, gf.connect(url) as client:
        other.set("k", "text")
        for options in ({"schema": {"a": int}}, {"document_column": "json"}):
            with pytest.raises(
                gf.ReplyError, match=r"no JSON.GET: load its JSON module, RedisJSON"
            ):
                client.read_json("*", **options)


def test_valkey_refuses_to_count_what_it_does_not_know(fresh_server: FreshServer) -> None:
    server = fresh_server("valkey91")
    with gf.connect(server.url) as client:
        count = client.scan_json("*", {"a": int}).select(pl.len())
        with pytest.raises(gf.ReplyError, match="no JSON documents: load its JSON module"):
            count.collect()


def test_the_acl_may_forbid_json_get(fresh_server: FreshServer) -> None:
    server = fresh_server("valkey91_modules", users=["reader on >pw ~* +@all -json.get"])
    with redis.Redis.from_url(server.url) as other:
        other.execute_command("JSON.SET", "k", "$", "1")
    url = server.url.replace("redis://", "redis://reader:pw@")
    with gf.connect(url) as client, pytest.raises(gf.PermissionDeniedError, match=r"JSON\.GET"):
        client.read_json("*", {"a": int})
