from __future__ import annotations

import datetime as dt
import io
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from gearframe.cli.tables import print_table, printable, size, summary
from gearframe.io.report import ScanReport


def printed(frame: pl.DataFrame, **console: Any) -> str:
    file = io.StringIO()
    print_table(frame, Console(file=file, color_system=None, **console))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def test_table() -> None:
    frame = pl.DataFrame(
        {
            "_key": ["user:1", None],
            "age": [41, 7],
            "left": [dt.timedelta(seconds=61), None],
            "tags": [["a", "b"], []],
        }
    )
    assert printed(frame) == (
        "_key       age           left   tags\n"
        "String   Int64   Duration[us]   List[String]\n"
        "────────────────────────────────────────────\n"
        "user:1      41          1m 1s   ['a', 'b']\n"
        "null         7           null   []"
    )


def test_a_value_cannot_steer_the_terminal_or_rich() -> None:
    frame = pl.DataFrame({"[bold]": ["\x1b[2J[red]x", "\x1b"]})
    assert printed(frame) == "[bold]\nString\n─────────────\n\\x1b[2J[red]x\n\\x1b"


def test_a_long_value_is_cut() -> None:
    assert printed(pl.DataFrame({"v": ["x" * 1000]})).splitlines()[-1] == "x" * 47 + "…"


def test_columns_that_do_not_fit_are_named() -> None:
    frame = pl.DataFrame({"aaaa": ["1" * 20], "bbbb": ["2" * 20], "cccc": ["3" * 20]})
    lines = printed(frame, width=50, force_terminal=True).splitlines()
    assert lines[0].split() == ["aaaa", "bbbb"]
    assert lines[-1] == "not shown, for want of width: cccc"


def test_all_columns_are_printed_where_there_is_no_terminal() -> None:
    frame = pl.DataFrame({"aaaa": ["1" * 20], "bbbb": ["2" * 20], "cccc": ["3" * 20]})
    assert printed(frame, width=50).splitlines()[0].split() == ["aaaa", "bbbb", "cccc"]


def test_summary_adds_scans_up() -> None:
    reports = [
        ScanReport(bytes_read=12_000_000, commands={"SCAN": 337, "HMGET": 336_776}),
        ScanReport(bytes_read=300_000, commands={"SCAN": 1}),
    ]
    assert summary(reports, 0.8349) == "0.83 s; SCAN x 338, HMGET x 336,776; 12.3 MB read"
    assert summary([], 1) == "1.00 s; no command; 0 bytes read"


@pytest.mark.parametrize(
    ("count", "text"),
    [(999, "999 bytes"), (1000, "1.0 kB"), (2_500_000, "2.5 MB"), (7 * 10**12, "7.0 TB")],
)
def test_size(count: int, text: str) -> None:
    assert size(count) == text


def test_printable() -> None:
    assert printable("a\tb\u202eé") == "a\\tb\\u202eé"
