"""JSON documents: `scan_json` against `json.loads` of each whole document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import gearframe as gf
from tests.property import keyspaces, oracles
from tests.property.compare import assert_same
from tests.property.conftest import World
from tests.property.keyspaces import KEY_FORM, KEY_PARTS, KEY_REGEX, checked

OPTIONS = {"key_dtype": pl.Binary}

texts = st.text(max_size=6) | st.sampled_from(["", "null", '"', "\\", "\x00\n", "żółw 🦀", "$.a"])
int64 = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 2**53 + 1, 2**63 - 1, -(2**63)])
floats = st.floats(allow_nan=False, allow_infinity=False)
POINT = pl.Struct({"x": pl.Int64(), "y": pl.String()})
points = st.fixed_dictionaries({}, optional={"x": st.none() | int64, "y": st.none() | texts})

FIELDS: dict[str, tuple[pl.DataType, st.SearchStrategy[Any]]] = {
    "i": (pl.Int64(), int64),
    "u": (pl.UInt64(), st.integers(0, 2**64 - 1)),
    "f": (pl.Float64(), floats | st.integers(-9, 9)),
    "text": (pl.String(), texts),
    "flag": (pl.Boolean(), st.booleans()),
    "numbers": (pl.List(pl.Int64()), st.lists(st.none() | int64, max_size=4)),
    "point": (POINT, points),
    "points": (pl.List(POINT), st.lists(st.none() | points, max_size=3)),
    "dots.in": (pl.Int64(), int64),
    'quo"te': (pl.String(), texts),
    "sp ace": (pl.Float64(), floats),
    "ż'": (pl.List(pl.String()), st.lists(texts, max_size=3)),
}
"""Names of fields, and what they hold where they are there and not null."""

SCHEMA = {name: dtype for name, (dtype, _) in FIELDS.items()}
objects = st.fixed_dictionaries(
    {}, optional={name: st.none() | value for name, (_, value) in FIELDS.items()} | {"other": texts}
)
documents = objects | objects | st.lists(int64, max_size=3) | int64 | texts | st.none()
# A text is a key of another type, which a scan leaves out.
contents = st.dictionaries(keyspaces.keys, documents | st.binary(max_size=5), max_size=6)
schemas = st.lists(st.sampled_from(list(FIELDS)), min_size=1, max_size=5, unique=True).map(
    lambda names: {name: SCHEMA[name] for name in names}
)


def fill(world: World, keyspace: Mapping[bytes, Any]) -> None:
    pipeline = world.redis.pipeline(transaction=False)
    pipeline.flushall()
    for key, content in keyspace.items():
        if isinstance(content, bytes):
            pipeline.set(key, content)
        else:
            pipeline.execute_command("JSON.SET", key, "$", json.dumps(content))
    pipeline.execute()


@checked
@given(keyspace=contents, schema=schemas, how=keyspaces.how)
def test_documents(
    json_world: World,
    keyspace: Mapping[bytes, Any],
    schema: dict[str, pl.DataType],
    how: dict[str, int],
) -> None:
    fill(json_world, keyspace)
    expected = oracles.json_documents(json_world.redis, "*", schema)
    lf = gf.scan_json(json_world.client, "*", schema, **OPTIONS, **how)
    assert_documents(lf.collect(), expected)
    # One column goes another way than two: its reply has no names.
    for name in schema:
        assert_documents(lf.select("_key", name).collect(), expected.select("_key", name))
    assert lf.select(pl.len()).collect().item() == expected.height


def assert_documents(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Compare frames with nested columns, which cannot be sorted by; a key has one row."""
    assert found.schema == expected.schema
    assert_frame_equal(found.sort("_key"), expected.sort("_key"), check_exact=True)


@checked
@given(keyspace=contents)
def test_the_whole_document(json_world: World, keyspace: Mapping[bytes, Any]) -> None:
    fill(json_world, keyspace)
    found = gf.read_json(json_world.client, "*", document_column="document", **OPTIONS)
    assert found.schema == {"_key": pl.Binary(), "document": pl.String()}
    texts = {
        key: json_world.redis.execute_command("JSON.GET", key)
        for key, content in keyspace.items()
        if not isinstance(content, bytes)
    }
    assert found["_key"].is_unique().all()
    assert {key: json.loads(text) for key, text in found.rows()} == {
        key: json.loads(text) for key, text in texts.items()
    }


@checked
@given(keyspace=contents)
def test_paths(json_world: World, keyspace: Mapping[bytes, Any]) -> None:
    fill(json_world, keyspace)
    schema = {"x": pl.Int64(), "third": pl.Int64(), "dotted": pl.Int64()}
    paths = {"x": "$.point.x", "third": "$.numbers[2]", "dotted": '$["dots.in"]'}
    found = gf.read_json(json_world.client, "*", schema, paths=paths, **OPTIONS)
    wanted = ["point", "numbers", "dots.in"]
    whole = oracles.json_documents(json_world.redis, "*", {name: SCHEMA[name] for name in wanted})
    expected = whole.select(
        "_key",
        x=pl.col("point").struct.field("x"),
        third=pl.col("numbers").list.get(2, null_on_oob=True),
        dotted="dots.in",
    )
    assert_documents(found, expected)


@checked
@given(keyspace=contents, on_error=keyspaces.on_errors)
def test_parts_of_keys(
    json_world: World, keyspace: Mapping[bytes, Any], on_error: oracles.OnError
) -> None:
    fill(json_world, keyspace)
    schema = {"i": pl.Int64(), "text": pl.String()}
    lf = gf.scan_json(
        json_world.client, schema=schema, key_schema=KEY_FORM, on_error=on_error, **OPTIONS
    )
    whole = oracles.json_documents(json_world.redis, "*", schema)
    expected = oracles.with_key_parts(whole, KEY_REGEX, KEY_PARTS, on_error)
    assert_same(lf.collect(), expected, ordered=False)
