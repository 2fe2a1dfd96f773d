"""Scans of JSON documents by the names of polars-redis."""

from __future__ import annotations

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.compat import polars_redis as shim

DOCUMENT = (
    '{"title":"T0","views":3,"tags":["a",1],"n":{"x":1},"ok":true,"none":null,"price":1.5,'
    '"first name":"Ann","quo\'te":"q"}'
)


@pytest.fixture
def documents(json_client: redis.Redis) -> None:
    json_client.execute_command("JSON.SET", "doc:1", "$", DOCUMENT)
    json_client.expire("doc:1", 1000)


@pytest.mark.usefixtures("documents")
def test_json(json_url: str) -> None:
    schema = {"title": pl.Utf8, "views": pl.Int64, "price": pl.Float64, "ok": pl.Boolean}
    found = shim.read_json(json_url, "doc:*", schema)
    assert found.schema == {"_key": pl.String, **schema}
    assert found.rows() == [("doc:1", "T0", 3, 1.5, True)]
    found = shim.read_json(
        json_url, "doc:*", schema, include_ttl=True, include_row_index=True, key_column_name="k"
    )
    assert found.columns == ["_index", "k", "_ttl", *schema]
    assert found.schema["_index"] == pl.UInt64
    assert 900 < found["_ttl"].item() <= 1000


@pytest.mark.usefixtures("documents")
def test_texts_of_json(json_url: str) -> None:
    schema = dict.fromkeys(
        ["tags", "n", "views", "ok", "none", "lacking", "first name", "quo'te"], pl.Utf8
    )
    found = shim.read_json(json_url, "doc:*", schema, include_key=False)
    assert found.rows() == [('["a",1]', '{"x":1}', "3", "true", None, None, "Ann", "q")]


@pytest.mark.usefixtures("documents")
def test_nested_json(json_url: str) -> None:
    schema = {"n": pl.Struct({"x": pl.Int64}), "title": pl.Utf8}
    found = shim.read_json(json_url, "doc:*", schema, include_key=False)
    assert found.rows() == [({"x": 1}, "T0")]


@pytest.mark.usefixtures("documents")
def test_one_column_of_json(json_url: str) -> None:
    """B1: a projection of one column was null."""
    lf = shim.scan_json(json_url, "doc:*", {"title": pl.Utf8, "views": pl.Int64})
    assert lf.select("title").collect().item() == "T0"
    assert lf.select(pl.col("views").sum()).collect().item() == 3
    assert lf.filter(pl.col("views") > 0).select("views").collect().item() == 3
    assert lf.filter(pl.col("title") == "T0").select("views").collect().item() == 3
    assert "JSON.GET for each key: $.views" in gf.explain(lf.select("views"))


@pytest.mark.usefixtures("documents")
def test_options_of_json(json_url: str) -> None:
    options = shim.JsonScanOptions("doc:*").with_path("$.n").with_n_rows(5)
    found = shim.scan_json(json_url, schema={"x": pl.Int64, "y": pl.Utf8}, options=options)
    assert found.collect().rows() == [("doc:1", 1, None)]
    found = shim.scan_json(json_url, schema={"x": pl.Utf8}, options=options)
    assert found.collect().rows() == [("doc:1", "1")]
    chosen = shim.JsonScanOptions("doc:*").with_projection(["views"]).with_row_index(offset=7)
    found = shim.scan_json(json_url, schema={"title": pl.Utf8, "views": pl.Int64}, options=chosen)
    assert found.collect().rows() == [(7, "doc:1", 3)]
    every = shim.JsonScanOptions("doc:*").with_path("$..n")
    with pytest.raises(ValueError, match="more than one object"):
        shim.scan_json(json_url, schema={"x": pl.Int64}, options=every)


def test_a_fraction_is_no_integer(json_url: str, json_client: redis.Redis) -> None:
    """B13: 1.9 was 1, and 2**64 - 1 was 2**63 - 1."""
    json_client.execute_command("JSON.SET", "d", "$", f'{{"a":1.9,"b":{2**64 - 1}}}')
    for name in "ab":
        with pytest.raises(gf.DataError, match=f'column "{name}"'):
            shim.read_json(json_url, "d", {name: pl.Int64})
    assert shim.read_json(json_url, "d", {"b": pl.UInt64})["b"].item() == 2**64 - 1
