from __future__ import annotations

import datetime as dt
import decimal
import json
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from gearframe.exceptions import OptionError, SchemaError
from gearframe.schema import cast_frame, column_type, needs_cast, normalize_schema

RESERVED = {"_key", "_ttl"}


def normalized(schema: Any) -> dict[str, pl.DataType]:
    return dict(normalize_schema(schema, reserved=RESERVED))


def test_python_types() -> None:
    schema = {
        "i": int,
        "s": str,
        "f": float,
        "b": bool,
        "y": bytes,
        "d": dt.date,
        "t": dt.time,
        "ts": dt.datetime,
        "td": dt.timedelta,
        "n": decimal.Decimal,
    }
    assert normalized(schema) == {
        "i": pl.Int64(),
        "s": pl.String(),
        "f": pl.Float64(),
        "b": pl.Boolean(),
        "y": pl.Binary(),
        "d": pl.Date(),
        "t": pl.Time(),
        "ts": pl.Datetime("us"),
        "td": pl.Duration("us"),
        "n": pl.Decimal(38, 0),
    }


@pytest.mark.parametrize(
    "schema",
    [
        pl.Schema({"b": pl.Int8(), "a": pl.String()}),
        {"b": pl.Int8, "a": pl.String()},
        [("b", pl.Int8()), ("a", str)],
        (["b", pl.Int8], ["a", pl.Utf8]),
    ],
)
def test_every_way_to_write_it(schema: Any) -> None:
    assert list(normalized(schema).items()) == [("b", pl.Int8()), ("a", pl.String())]


def test_empty() -> None:
    assert normalized({}) == {}
    assert normalized([]) == {}


@pytest.mark.parametrize(
    ("given", "complete"),
    [
        (pl.Datetime, pl.Datetime("us", None)),
        (pl.Duration, pl.Duration("us")),
        (pl.Decimal, pl.Decimal(38, 0)),
        (pl.Categorical, pl.Categorical()),
        (pl.Datetime("ns", "Europe/Paris"), pl.Datetime("ns", "Europe/Paris")),
        (pl.List(pl.Datetime), pl.List(pl.Datetime("us"))),
        (pl.Array(pl.Int8, (2, 3)), pl.Array(pl.Array(pl.Int8(), 3), 2)),
        (pl.Struct({"a": int, "b": pl.Duration}), pl.Struct({"a": pl.Int64(), "b": pl.Duration()})),
    ],
)
def test_dtypes_are_completed(given: Any, complete: pl.DataType) -> None:
    assert normalized({"x": given}) == {"x": complete}


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (pl.Object, "Object"),
        (pl.Null(), "Null"),
        (pl.Unknown, "Unknown"),
        (pl.Float16, "Float16"),
        (pl.Map(pl.String, pl.Int8), "Map(String, Int8)"),
        (complex, "complex"),
        (type(None), "Null"),
        ("Int64", "Int64"),
        (None, "None"),
    ],
)
def test_unsupported_dtypes(dtype: Any, name: str) -> None:
    with pytest.raises(SchemaError) as caught:
        normalized({"x": dtype})
    assert str(caught.value) == (
        f"column 'x': {name} is not supported; use one of Int8 to Int128, UInt8 to UInt128, "
        "Float32, Float64, Boolean, String, Binary, Categorical, Enum, Date, Time, Datetime, "
        "Duration, Decimal, List, Array and Struct"
    )


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (
            {"_key": str},
            "a column called '_key' is the key column already; rename it or set key_column",
        ),
        (
            [("a", int), ("a", str)],
            "schema: two columns are called 'a'; rename or remove one",
        ),
        ({7: int}, "schema: a column's name must be a string, not 7"),
        ([("a", int, 1)], "schema: expected (name, dtype) pairs, not ('a', <class 'int'>, 1)"),
        (["ab"], "schema: expected (name, dtype) pairs, not 'ab'"),
        ("ab", "schema: expected a mapping of names to dtypes, not str"),
        (None, "schema: expected a mapping of names to dtypes, not NoneType"),
        (
            {"x": pl.List},
            "column 'x': List does not say what it holds; write, for instance, pl.List(pl.Int64)",
        ),
        (
            {"x": pl.Struct({"a": pl.List(pl.Array)})},
            "column 'x', field 'a': Array does not say what it holds; "
            "write, for instance, pl.Array(pl.Float32, 3)",
        ),
        (
            {"x": pl.Struct([pl.Field("a", pl.Int8), pl.Field("a", pl.Int8)])},
            "column 'x': two fields are called 'a'; rename or remove one",
        ),
        (
            {"x": pl.Datetime("us", "*")},
            "column 'x': the time zone '*' stands for any; name one, such as 'UTC'",
        ),
    ],
)
def test_refused_schemas(schema: Any, message: str) -> None:
    with pytest.raises(SchemaError) as caught:
        normalized(schema)
    assert str(caught.value) == message
    assert isinstance(caught.value, OptionError)


def test_a_reserved_name_that_the_caller_chose() -> None:
    with pytest.raises(SchemaError, match="'id' is in the frame already; rename one of the two"):
        normalize_schema({"id": int}, reserved={"id"})


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (pl.Int64(), {"kind": "int64"}),
        (pl.UInt128(), {"kind": "uint128"}),
        (pl.String(), {"kind": "string"}),
        (pl.Categorical(), {"kind": "categorical"}),
        (pl.Enum(["b", "a"]), {"kind": "enum", "categories": ["b", "a"]}),
        (pl.Datetime("ns"), {"kind": "datetime", "unit": "ns", "zone": None}),
        (pl.Duration("ms"), {"kind": "duration", "unit": "ms"}),
        (pl.Decimal(10, 2), {"kind": "decimal", "precision": 10, "scale": 2}),
        (
            pl.Array(pl.Int8, (2, 3)),
            {
                "kind": "array",
                "inner": {"kind": "array", "inner": {"kind": "int8"}, "width": 3},
                "width": 2,
            },
        ),
        (
            pl.Struct({"a": pl.List(pl.Date)}),
            {
                "kind": "struct",
                "fields": [{"name": "a", "dtype": {"kind": "list", "inner": {"kind": "date"}}}],
            },
        ),
    ],
)
def test_column_type(dtype: pl.DataType, expected: dict[str, Any]) -> None:
    assert column_type(dtype) == expected
    assert json.loads(json.dumps(expected)) == expected


def test_column_type_of_an_unsupported_dtype() -> None:
    with pytest.raises(SchemaError, match="a column: Object is not supported"):
        column_type(pl.Object())


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (pl.Int64(), False),
        (pl.Decimal(10, 2), False),
        (pl.List(pl.String), False),
        (pl.Int128(), True),
        (pl.UInt128(), True),
        (pl.Categorical(), True),
        (pl.Enum(["a"]), True),
        (pl.List(pl.Int128), True),
        (pl.Array(pl.Categorical, 2), True),
        (pl.Struct({"a": pl.Int8, "b": pl.List(pl.Enum(["a"]))}), True),
    ],
)
def test_needs_cast(dtype: pl.DataType, expected: bool) -> None:
    assert needs_cast(dtype) is expected


def test_cast_frame() -> None:
    frame = pl.DataFrame(
        {
            "_key": ["k1", "k2"],
            "n": ["-170141183460469231731687303715884105728", None],
            "u": ["340282366920938463463374607431768211455", "0"],
            "e": ["b", None],
            "c": ["x", "y"],
            "l": [["1", None], None],
            "s": [{"i": "7", "t": "text"}, None],
            "plain": [1, 2],
        }
    )
    schema = pl.Schema(
        {
            "plain": pl.Int64(),
            "n": pl.Int128(),
            "u": pl.UInt128(),
            "e": pl.Enum(["a", "b"]),
            "c": pl.Categorical(),
            "l": pl.List(pl.Int128()),
            "s": pl.Struct({"i": pl.Int128(), "t": pl.String()}),
            "not_read": pl.Int128(),
        }
    )
    expected = pl.DataFrame(
        {
            "_key": ["k1", "k2"],
            "n": [-(2**127), None],
            "u": [2**128 - 1, 0],
            "e": ["b", None],
            "c": ["x", "y"],
            "l": [[1, None], None],
            "s": [{"i": 7, "t": "text"}, None],
            "plain": [1, 2],
        },
        schema={"_key": pl.String()}
        | {k: schema[k] for k in ("n", "u", "e", "c", "l", "s")}
        | {"plain": pl.Int64()},
    )
    assert_frame_equal(cast_frame(frame, schema), expected)


def test_cast_frame_returns_the_frame_if_there_is_nothing_to_cast() -> None:
    frame = pl.DataFrame({"a": [1]})
    assert cast_frame(frame, pl.Schema({"a": pl.Int64(), "b": pl.Int128()})) is frame


def test_cast_frame_is_strict() -> None:
    frame = pl.DataFrame({"e": ["z"]})
    with pytest.raises(pl.exceptions.InvalidOperationError):
        cast_frame(frame, pl.Schema({"e": pl.Enum(["a"])}))


def test_a_column_without_a_name_is_cast() -> None:
    frame = cast_frame(pl.DataFrame({"": ["7"]}), pl.Schema({"": pl.Int128()}))
    assert frame.schema == {"": pl.Int128}
    assert frame.rows() == [(7,)]
