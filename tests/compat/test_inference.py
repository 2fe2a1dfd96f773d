"""Inference by the names of polars-redis: what it infers can be scanned."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
import redis

from gearframe.compat import polars_redis as shim


@pytest.fixture
def users(redis_client: redis.Redis) -> None:
    for n in range(20):
        redis_client.hset(
            f"user:{n}",
            mapping={
                "zip": f"0{1000 + n}",
                "age": n,
                "share": n / 8,
                "ok": "true",
                "flag": n % 2,
                "phone": f"+497{n}",
                "day": "2024-02-29",
                "mixed": n if n else "none",
                "tags": '["a"]',
            },
        )
    redis_client.hset("user:0", "rare", "1")


HASHES = {
    "age": pl.Int64,
    "day": pl.Utf8,
    "flag": pl.Int64,
    "mixed": pl.Utf8,
    "ok": pl.Boolean,
    "phone": pl.Utf8,
    "rare": pl.Int64,
    "share": pl.Float64,
    "tags": pl.Utf8,
    "zip": pl.Utf8,
}


@pytest.mark.usefixtures("users")
def test_hashes(url: str) -> None:
    """B14: leading zeros and plus signs were lost, and a mixed field was Int64."""
    schema = shim.infer_hash_schema(url, "user:*")
    assert schema == HASHES
    assert list(schema) == sorted(schema)
    assert schema["age"] is pl.Int64
    found = shim.read_hashes(url, "user:*", schema)
    assert found.height == 20
    first = found.filter(pl.col("age") == 0)
    assert first.select("zip", "phone", "mixed").row(0) == ("01000", "+4970", "none")


@pytest.mark.usefixtures("users")
def test_arguments_of_hashes(url: str) -> None:
    texts = shim.infer_hash_schema(url, "user:*", type_inference=False)
    assert texts == dict.fromkeys(HASHES, pl.Utf8)
    assert shim.infer_hash_schema(url, "none:*") == {}
    lacking = set(HASHES) - set(shim.infer_hash_schema(url, "user:*", sample_size=1))
    assert lacking <= {"rare"}
    with pytest.raises(ValueError, match="sample"):
        shim.infer_hash_schema(url, sample_size=0)
    with pytest.raises(ConnectionError):
        shim.infer_hash_schema("redis://127.0.0.1:1?retries=0")


def test_keys_of_other_types_are_left_out(url: str, redis_client: redis.Redis) -> None:
    """B14: one of them was an error."""
    redis_client.set("a", "a string")
    redis_client.hset("b", "n", 1)
    assert shim.infer_hash_schema(url) == {"n": pl.Int64}


def test_what_a_text_cannot_hold(url: str, redis_client: redis.Redis) -> None:
    redis_client.hset("a", mapping={"bytes": b"\xff", "large": 2**64 - 1, "_key": "k"})
    schema = shim.infer_hash_schema(url)
    assert schema == {"_key": pl.Utf8, "bytes": pl.Binary, "large": pl.UInt64}
    found = shim.read_hashes(url, "a", schema, include_key=False)
    assert found.rows() == [("k", b"\xff", 2**64 - 1)]
    assert shim.infer_hash_schema(url, type_inference=False)["large"] == pl.Utf8


@pytest.mark.usefixtures("users")
def test_overwrites(url: str) -> None:
    given = {"day": pl.Date, "age": pl.Int8, "extra": pl.Datetime}
    schema = shim.infer_hash_schema_with_overwrite(url, "user:*", schema_overwrite=given)
    assert schema == dict(sorted({**HASHES, **given}.items()))
    assert list(schema) == sorted(schema)
    found = shim.read_hashes(url, "user:*", schema)
    assert found["day"].dtype == pl.Date
    assert found["extra"].null_count() == 20
    texts = shim.infer_hash_schema_with_overwrite(
        url, "user:*", schema_overwrite={"age": pl.Int64}, type_inference=False, sample_size=50
    )
    assert texts == {**dict.fromkeys(HASHES, pl.Utf8), "age": pl.Int64}
    assert shim.infer_hash_schema_with_overwrite(url, "user:*") == HASHES


@pytest.mark.usefixtures("users")
def test_confidence(url: str) -> None:
    found = shim.infer_hash_schema_with_confidence(url, "user:*", sample_size=1000)
    assert found.schema == HASHES
    assert found.sample_count == 20
    assert found.field_info["age"] == {
        "type": "int64",
        "confidence": 1.0,
        "samples": 20,
        "valid": 20,
        "nulls": 0,
        "null_ratio": 0.0,
        "type_candidates": {"int64": 20, "float64": 20, "bool": 2, "utf8": 20},
        "at_least": 1.0,
    }
    rare = found.field_info["rare"]
    assert (rare["valid"], rare["nulls"], rare["null_ratio"]) == (1, 19, 0.95)


def test_low_confidence(url: str, redis_client: redis.Redis) -> None:
    for n in range(10):
        redis_client.hset(f"h:{n}", mapping={"mostly": n if n > 2 else "x", "name": "Ann"})
    found = shim.infer_hash_schema_with_confidence(url, "h:*")
    assert found.schema == {"mostly": pl.Utf8, "name": pl.Utf8}
    assert found.low_confidence_fields() == [("mostly", 0.7)]
    assert found.low_confidence_fields(0.5) == []
    assert not found.all_confident
    assert found.average_confidence == pytest.approx(0.85)
    assert repr(found) == "SchemaConfidence(fields=2, samples=10, avg_confidence=85.00%)"


def test_confidence_without_keys(url: str) -> None:
    found = shim.infer_hash_schema_with_confidence(url)
    assert (found.schema, found.sample_count, found.average_confidence) == ({}, 0, 1.0)
    assert found.all_confident


DOCUMENTS = [
    '{"n":1,"f":1.5,"ok":true,"s":"x","day":"2024-02-29","tags":["a"],"o":{"k":1},"mixed":1}',
    '{"n":2,"f":2,"ok":false,"s":null,"tags":[1],"o":{"j":"x"},"mixed":"one"}',
]


def test_json(json_url: str, json_client: redis.Redis) -> None:
    for n, document in enumerate(DOCUMENTS):
        json_client.execute_command("JSON.SET", f"d:{n}", "$", document)
    schema: dict[str, Any] = shim.infer_json_schema(json_url, "d:*", sample_size=10)
    texts = dict.fromkeys(["day", "mixed", "o", "s", "tags"], pl.Utf8)
    assert schema == {**texts, "n": pl.Int64, "f": pl.Float64, "ok": pl.Boolean}
    assert list(schema) == sorted(schema)
    found = shim.read_json(json_url, "d:*", schema).sort("_key").drop("_key")
    assert found.rows() == [
        ("2024-02-29", 1.5, "1", 1, '{"k":1}', True, "x", '["a"]'),
        (None, 2.0, "one", 2, '{"j":"x"}', False, None, "[1]"),
    ]
    overwritten = shim.infer_json_schema_with_overwrite(
        json_url, "d:*", schema_overwrite={"day": pl.Date, "new": pl.Int8}
    )
    assert overwritten["day"] == pl.Date
    assert list(overwritten) == sorted([*schema, "new"])
    assert shim.read_json(json_url, "d:*", overwritten)["day"].null_count() == 1
