from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.cli import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def users(redis_client: redis.Redis) -> redis.Redis:
    redis_client.hset("user:1", mapping={"name": "Ann", "age": "41", "seen": "2024-01-31T10:00Z"})
    redis_client.hset("user:2", mapping={"name": "Bob", "age": "7", b"\xff": "x"})
    redis_client.set("user:3", "not a hash")
    return redis_client


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_table(users: redis.Redis, url: str, capsys: Capture) -> None:
    assert main(["infer", url, "user:*"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[:2] for line in lines(out)[3:]] == [
        ["name", "String"],
        ["age", "Int64"],
        ["seen", "Datetime[us,UTC]"],
    ]
    assert "Ann, Bob" in out
    assert lines(err) == [
        "hashes user:*: 2 keys, all that there are",
        "keys left out: 1 of type string",
        r"no column: \xff is not UTF-8",
    ]


def test_python_runs(users: redis.Redis, url: str, capsys: Capture) -> None:
    assert main(["infer", url, "user:*", "--kind", "hashes", "--python"]) == 0
    out = capsys.readouterr().out
    with gf.connect(url) as client:
        names = {"gf": gf, "pl": pl, "client": client}
        exec(out, names)
        frame = names["lf"].collect()  # type: ignore[attr-defined]
    assert frame.columns == ["_key", "name", "age", "seen"]
    assert sorted(frame["age"]) == [7, 41]


def test_json(users: redis.Redis, url: str, capsys: Capture) -> None:
    assert main(["infer", url, "user:*", "--format", "json"]) == 0
    columns = json.loads(capsys.readouterr().out)
    assert columns[1] == {
        "name": "age",
        "dtype": "Int64",
        "present": 1.0,
        "parses": 1.0,
        "confidence": 1.0,
        "values": 2,
        "examples": ["41", "7"],
        "note": "",
    }


def test_schema_goes_into_a_scan(
    users: redis.Redis, url: str, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["infer", url, "user:*", "--format", "schema"]) == 0
    path = tmp_path / "schema.json"
    path.write_text(capsys.readouterr().out)
    for schema in (f"@{path}", "infer"):
        assert main(["scan", url, "user:*", "--schema", schema, "--where", "age > 40"]) == 0
        [row] = lines(capsys.readouterr().out)[3:]
        assert row.split() == ["user:1", "Ann", "41", "2024-01-31", "10:00:00.000000+00:00"]


def test_sample_and_seed(redis_client: redis.Redis, url: str, capsys: Capture) -> None:
    for i in range(30):
        redis_client.hset(f"k:{i}", "n", i)
    words = ["infer", url, "k:*", "--sample", "5", "--seed", "7"]
    assert main(words) == 0
    first = capsys.readouterr()
    assert first.err == "hashes k:*: 5 keys, a sample, seed 7\n"
    assert "54.9" in first.out  # the confidence of five values
    assert main(words) == 0
    assert capsys.readouterr() == first


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--sample", "0"], "error: sample is 0; expected a whole number from 1"),
        (["--seed", "-1"], "error: seed is -1; expected a whole number from 0"),
        (["--kind", "sets"], "error: Invalid value"),
        (["--format", "xml"], "error: Invalid value"),
    ],
)
def test_wrong_requests(url: str, capsys: Capture, words: list[str], message: str) -> None:
    assert main(["infer", url, "user:*", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message)


def test_nothing_there(url: str, capsys: Capture) -> None:
    assert main(["infer", url, "no:*"]) == 0
    assert capsys.readouterr().err == "no key of no:* could be sampled\n"
    assert main(["infer", url, "no:*", "--python"]) == 0
    assert capsys.readouterr().out.startswith("schema = {\n}\n")


def test_help(capsys: Capture) -> None:
    assert main(["infer", "--help"]) == 0
    assert "gearframe infer redis://localhost 'user:*'" in capsys.readouterr().out
