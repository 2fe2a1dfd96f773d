"""``"infer"`` where a scan takes a schema or a dtype, for documents and strings."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
import redis

import gearframe as gf
from tests.integration.commandstats import counted


def put(client: redis.Redis, key: str, document: str) -> None:
    client.execute_command("JSON.SET", key, "$", document)


@pytest.fixture
def orders(json_client: redis.Redis) -> redis.Redis:
    put(json_client, "order:1", '{"total": 12.5, "day": "2024-02-29", "tags": ["a"], "odd": 1}')
    put(json_client, "order:2", '{"total": 3, "day": "2024-03-01", "tags": [], "odd": "x"}')
    return json_client


def test_documents(orders: redis.Redis, json_url: str) -> None:
    frame = gf.read_json(json_url, "order:*", "infer", document_column="json").sort("_key")
    # "odd" is a number here and a text there: no dtype reads both.
    assert frame.schema == {
        "_key": pl.String, "total": pl.Float64, "day": pl.Date,
        "tags": pl.List(pl.String), "json": pl.String,
    }  # fmt: skip
    assert frame.drop("json").rows() == [
        ("order:1", 12.5, dt.date(2024, 2, 29), ["a"]),
        ("order:2", 3.0, dt.date(2024, 3, 1), []),
    ]


def test_documents_take_what_was_inferred(orders: redis.Redis, json_url: str) -> None:
    inferred = gf.infer_schema(json_url, "order:*").with_overrides({"total": pl.Float32})
    assert gf.scan_json(json_url, "order:*", inferred).collect_schema()["total"] == pl.Float32


def test_a_member_may_not_take_the_name_of_a_column(
    json_client: redis.Redis, json_url: str
) -> None:
    put(json_client, "a", '{"_key": 1, "json": 2, "n": 3}')
    frame = gf.read_json(json_url, "a", "infer", document_column="json")
    assert frame.columns == ["_key", "n", "json"]
    assert frame["n"].to_list() == [3]


def test_paths_are_for_inferred_columns_too(orders: redis.Redis, json_url: str) -> None:
    frame = gf.read_json(json_url, "order:1", "infer", paths={"total": "$.odd"})
    assert frame["total"].to_list() == [1.0]
    with pytest.raises(gf.OptionError, match=r"paths: 'first' is no column of the schema"):
        gf.scan_json(json_url, "order:*", "infer", paths={"first": "$.tags[0]"})


def test_named_documents_are_sampled_without_a_scan(orders: redis.Redis, json_url: str) -> None:
    put(orders, "order:3", '{"other": 1}')
    with counted(orders) as calls:
        lf = gf.scan_json(json_url, schema="infer", keys=iter(["order:3"]))
        assert lf.collect().rows() == [("order:3", 1)]
    assert calls == {"json.get": 2}


def test_no_document_and_no_schema(json_client: redis.Redis, json_url: str) -> None:
    json_client.set("a", "no document")
    with pytest.raises(gf.SchemaError, match=r"no key of 'a' is of type ReJSON-RL"):
        gf.scan_json(json_url, "a", "infer")
    with pytest.raises(gf.SchemaError, match=r"schema='infer' to find them in a sample"):
        gf.scan_json(json_url, "a")
    with pytest.raises(gf.SchemaError, match=r"schema is 'guess'; expected a mapping"):
        gf.scan_json(json_url, "a", "guess")


def test_strings(redis_client: redis.Redis, url: str) -> None:
    redis_client.mset({"hits:a": "3", "hits:b": "4"})
    redis_client.rpush("hits:list", "no string")
    frame = gf.read_strings(url, "hits:*", "infer", value_column="hits")
    assert frame.schema == {"_key": pl.String, "hits": pl.Int64}
    assert frame["hits"].sum() == 7
    with pytest.raises(gf.SchemaError, match=r"dtype='infer': .* type string; give the dtype"):
        gf.scan_strings(url, "none:*", "infer")


def test_strings_of_a_form_of_key(redis_client: redis.Redis, url: str) -> None:
    redis_client.mset({"hits:a": "3", "name:a": "Ann"})
    frame = gf.read_strings(url, dtype="infer", key_schema="hits:{who}")
    assert frame.rows() == [("hits:a", "a", 3)]


def test_bytes(redis_client: redis.Redis, url: str) -> None:
    redis_client.set("a", b"\xff")
    assert gf.read_strings(url, "a", "infer")["value"].to_list() == [b"\xff"]
