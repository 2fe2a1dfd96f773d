from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import polars as pl
import pytest
import redis
from polars.testing import assert_frame_equal

from gearframe.cli import main
from gearframe.cli.tables import size
from tests.servers.fixtures import FreshServer
from tests.servers.patience import PATIENCE

SCHEMA = "name=String,age=Int64"
PROGRAM = [sys.executable, "-c", "import sys; from gearframe.cli import main; sys.exit(main())"]

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def users(redis_client: redis.Redis) -> redis.Redis:
    redis_client.hset("user:1", mapping={"name": "Ann", "age": "41"})
    redis_client.hset("user:2", mapping={"name": "Bob"})
    redis_client.hset("user:3", mapping={"name": "Cid", "age": "7"})
    return redis_client


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_table(users: redis.Redis, url: str, capsys: Capture) -> None:
    assert main(["scan", url, "user:*", "--schema", SCHEMA, "--where", "age > 30"]) == 0
    out, err = capsys.readouterr()
    assert lines(out) == [
        "_key     name       age",
        "String   String   Int64",
        "───────────────────────",
        "user:1   Ann         41",
    ]
    assert re.match(r"1 row in \d+\.\d+ s; ", err)
    assert "SCAN x" in err
    assert err.endswith("read\n")


def test_select_and_ttl(users: redis.Redis, url: str, capsys: Capture) -> None:
    users.expire("user:1", 3600)
    chosen = ["--where", "_key = 'user:2'", "--select", "_ttl, name"]
    assert main(["scan", url, "user:*", "--schema", SCHEMA, "--ttl", *chosen]) == 0
    assert lines(capsys.readouterr().out)[-1] == "        null   Bob"


def test_head_is_20_for_a_table(redis_client: redis.Redis, url: str, capsys: Capture) -> None:
    for i in range(21):
        redis_client.hset(f"user:{i}", "age", i)
    assert main(["scan", url, "user:*", "--schema", "age=Int64"]) == 0
    out, err = capsys.readouterr()
    assert len(lines(out)) == 3 + 20
    assert err.startswith("20 rows (the first; --head asks for more) in ")
    assert main(["scan", url, "user:*", "--schema", "age=Int64", "--head", "2"]) == 0
    out, err = capsys.readouterr()
    assert len(lines(out)) == 3 + 2
    assert err.startswith("2 rows in ")


def test_keys_only(users: redis.Redis, url: str, capsys: Capture) -> None:
    assert main(["scan", url, "user:*", "--keys-only"]) == 0
    out, err = capsys.readouterr()
    assert sorted(lines(out)[2:]) == ["user:1", "user:2", "user:3", "──────"]
    assert "HMGET" not in err


def test_without_a_schema(users: redis.Redis, url: str, capsys: Capture) -> None:
    users.hset("user:2", "_key", "x")
    users.set("user:4", "not a hash")
    assert main(["scan", url, "user:*", "--where", "name = 'Ann'", "--select", "name,age"]) == 0
    out, err = capsys.readouterr()
    assert sorted(zip(*(line.split() for line in lines(out)[:2]), strict=True)) == [
        ("age", "String"),
        ("name", "String"),
    ]
    assert "fields of 3 sampled hashes, all as String (--schema infer guesses dtypes): " in err
    assert "left out: _key, for other columns have these names" in err


def test_too_many_fields_without_a_schema(
    redis_client: redis.Redis, url: str, capsys: Capture
) -> None:
    redis_client.hset("big", mapping={str(i): "" for i in range(501)})
    assert main(["scan", url, "big"]) == 2
    assert capsys.readouterr().err == (
        "error: the hash 'big' has 501 fields, which are too many for columns; name those you "
        "want with --schema\n"
    )


def test_no_key_matches(redis_client: redis.Redis, url: str, capsys: Capture) -> None:
    assert main(["scan", url, "nothing:*"]) == 0
    out, err = capsys.readouterr()
    assert lines(out) == ["_key", "String", "──────"]
    assert err.startswith("0 rows in ")


def test_strings(redis_client: redis.Redis, url: str, capsys: Capture) -> None:
    redis_client.mset({"hits:a": "3", "hits:b": "4"})
    words = ["--kind", "strings", "--schema", "hits=Int64", "--where", "hits > 3"]
    assert main(["scan", url, "hits:*", *words]) == 0
    assert lines(capsys.readouterr().out)[-1] == "hits:b       4"


@pytest.mark.parametrize("ending", ["parquet", "csv", "ndjson", "jsonl", "arrow"])
def test_file(users: redis.Redis, url: str, tmp_path: Path, capsys: Capture, ending: str) -> None:
    path = tmp_path / f"users.{ending}"
    path.write_text("what was there before")
    assert main(["scan", url, "user:*", "--schema", SCHEMA, "--to", str(path)]) == 0
    readers: dict[str, Callable[[Path], pl.DataFrame]] = {
        "parquet": pl.read_parquet,
        "csv": pl.read_csv,
        "ndjson": pl.read_ndjson,
        "jsonl": pl.read_ndjson,
        "arrow": pl.read_ipc,
    }
    expected = pl.DataFrame(
        {
            "_key": ["user:1", "user:2", "user:3"],
            "name": ["Ann", "Bob", "Cid"],
            "age": [41, None, 7],
        }
    )
    assert_frame_equal(readers[ending](path).sort("_key"), expected)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("3 rows in ")
    assert err.endswith(f"{size(path.stat().st_size)} written to {path}\n")


def test_the_rows_of_a_file_are_counted_after_the_filter(
    users: redis.Redis, url: str, tmp_path: Path, capsys: Capture
) -> None:
    where = ["--where", "age > AVG(age)", "--to", str(tmp_path / "users.csv")]
    assert main(["scan", url, "user:*", "--schema", SCHEMA, *where]) == 0
    assert capsys.readouterr().err.startswith("1 row in ")


def test_a_failed_file_leaves_the_old_one(
    users: redis.Redis, url: str, tmp_path: Path, capsys: Capture
) -> None:
    users.hset("user:3", "age", "seven")
    path = tmp_path / "users.csv"
    path.write_text("what was there before")
    assert main(["scan", url, "user:*", "--schema", SCHEMA, "--to", str(path)]) == 1
    assert path.read_text() == "what was there before"
    assert [each.name for each in tmp_path.iterdir()] == ["users.csv"]
    err = capsys.readouterr().err
    assert err.startswith('error: field "age" of key "user:3" is "seven", which is not Int64')
    assert len(err.splitlines()) == 1


def test_on_error(users: redis.Redis, url: str, capsys: Capture) -> None:
    users.hset("user:3", "age", "seven")
    words = ["scan", url, "user:*", "--schema", SCHEMA, "--select", "name", "--where", "age > 0"]
    assert main([*words, "--on-error", "skip"]) == 0
    assert lines(capsys.readouterr().out)[3:] == ["Ann"]


def test_explain_reads_nothing(users: redis.Redis, url: str, capsys: Capture) -> None:
    before = users.info("commandstats")
    words = ["--schema", SCHEMA, "--select", "age", "--explain"]
    assert main(["scan", url, "user:*", *words]) == 0
    out = capsys.readouterr().out
    assert out.startswith("SCAN OF HASHES at ")
    assert "  SCAN MATCH user:* COUNT 1000\n" in out
    after = users.info("commandstats")
    assert after.get("cmdstat_scan") == before.get("cmdstat_scan")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--schema", "age=int"],
            "error: field 'age': there is no dtype 'int'; did you mean Int64",
        ),
        (["--schema", SCHEMA, "--where", "agee > 1"], 'error: unable to find column "agee"'),
        (
            ["--schema", SCHEMA, "--where", "age >"],
            "error: --where 'age >' is not an SQL condition",
        ),
        (["--schema", SCHEMA, "--select", "x"], 'error: unable to find column "x"'),
        (["--schema", SCHEMA, "--head", "-1"], "error: --head is -1; expected a number of rows"),
        (["--schema", SCHEMA, "--keys-only"], "error: --keys-only reads no value, and --schema"),
        (["--schema", SCHEMA, "--throttle", "0"], "error: throttle is 0.0; expected keys a second"),
        (["--schema", SCHEMA, "--kind", "strings"], "error: --schema names 2 columns; strings"),
        (["--to", "users.txt"], "error: --to users.txt: the ending names the format; expected one"),
        (["--to", "/nowhere/users.csv"], "error: --to /nowhere/users.csv: there is no folder"),
        (["--to", "/dev/null.csv/x.csv"], "error: --to /dev/null.csv/x.csv: there is no folder"),
        (["--password-env", "NOT_SET"], "error: --password-env names NOT_SET, which is not set"),
        (["--head", "many"], "error: Invalid value"),
        (["--colour"], "error: Unknown option"),
    ],
)
def test_wrong_requests(url: str, capsys: Capture, words: list[str], message: str) -> None:
    assert main(["scan", url, "user:*", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message)
    assert len(err.splitlines()) == 1


def test_debug_shows_the_traceback(url: str) -> None:
    with pytest.raises(Exception, match="there is no dtype 'int'"):
        main(["scan", url, "--schema", "age=int", "--debug"])


def test_no_server(capsys: Capture) -> None:
    assert main(["scan", "redis://:secret@127.0.0.1:1", "--connect-timeout", "0.1"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert "127.0.0.1:1" in err
    assert "secret" not in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["scan", "redis//:secret@localhost"],
        ["scan", "redis://:secret@localhost:port"],
        ["scan", "redis://localhost", "*", "redis://:secret@localhost"],
        ["scan", "redis://localhost", "--bogus=redis://:secret@localhost"],
    ],
)
def test_passwords_are_not_shown(capsys: Capture, words: list[str]) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert "error: " in err
    assert "secret" not in out + err


def test_password_of_the_environment(
    fresh_server: FreshServer, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    server = fresh_server(requirepass="secret")
    place = urlsplit(server.url)
    bare = f"redis://{place.hostname}:{place.port}"
    assert main(["scan", bare, "--keys-only"]) == 2
    monkeypatch.setenv("DB_PASSWORD", "secret")
    assert main(["scan", bare, "--keys-only", "--password-env", "DB_PASSWORD"]) == 0
    assert capsys.readouterr().err.splitlines()[-1].startswith("0 rows in ")


@pytest.mark.servers("valkey91")
def test_interrupt(redis_client: redis.Redis, url: str, tmp_path: Path) -> None:
    for i in range(500):
        redis_client.hset(f"user:{i}", "age", i)
    words = ["scan", url, "user:*", "--schema", "age=Int64", "--throttle", "1"]
    command = [*PROGRAM, *words, "--to", str(tmp_path / "users.csv")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not list(tmp_path.iterdir()) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert (out, err) == (b"", b"")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.servers("valkey91")
def test_a_reader_that_has_enough(redis_client: redis.Redis, url: str) -> None:
    for i in range(5000):
        redis_client.hset(f"user:{i}", "name", "x" * 40)
    command = [*PROGRAM, "scan", url, "user:*", "--schema", "name=String", "--head", "5000"]
    reading, writing = os.pipe()
    with subprocess.Popen(command, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        assert os.read(reading, 4) == b"_key"
        os.close(reading)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert len(err.splitlines()) == 1  # the counts


def test_help_and_version(capsys: Capture) -> None:
    assert main(["--help"]) == 0
    assert "demo" in capsys.readouterr().out
    assert main(["scan", "--help"]) == 0
    assert "gearframe scan redis://localhost 'user:*' --schema" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "0.1.0\n"
