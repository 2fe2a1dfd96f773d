"""Options as objects: builders, the environment, and what a scan gets of them."""

from __future__ import annotations

import pytest

from gearframe.compat import polars_redis as shim
from gearframe.exceptions import OptionError

CLASSES = [
    shim.ScanOptions,
    shim.HashScanOptions,
    shim.JsonScanOptions,
    shim.StringScanOptions,
    shim.SetScanOptions,
    shim.ListScanOptions,
    shim.ZSetScanOptions,
    shim.StreamScanOptions,
    shim.TimeSeriesScanOptions,
]


@pytest.mark.parametrize("kind", CLASSES)
def test_all_fields_become_arguments(kind):
    arguments = kind("user:*", 5, 6, 7).to_scan_arguments()
    assert arguments == vars(kind("user:*", 5, 6, 7))
    assert {"pattern": "user:*", "batch_size": 5, "count_hint": 6, "n_rows": 7}.items() <= (
        arguments.items()
    )


def changed(options):
    """The arguments that differ from those of the same options without any setting."""
    plain = type(options)().to_scan_arguments()
    found = options.to_scan_arguments()
    return {name: value for name, value in found.items() if value != plain[name]}


@pytest.mark.parametrize("kind", CLASSES)
def test_builders_that_all_have(kind):
    options = kind()
    same = options.with_pattern("a*").with_batch_size(2).with_count_hint(3).with_n_rows(4)
    assert same is options
    assert changed(options) == {"pattern": "a*", "batch_size": 2, "count_hint": 3, "n_rows": 4}


@pytest.mark.parametrize("kind", CLASSES[1:])
def test_builders_of_the_key_and_the_index(kind):
    options = kind().with_key(False, "k").with_row_index(name="i")
    assert changed(options) == {
        "include_key": False,
        "key_column_name": "k",
        "include_row_index": True,
        "row_index_column_name": "i",
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            shim.HashScanOptions().with_ttl().with_row_index(offset=9).with_projection(["a"]),
            {
                "include_ttl": True,
                "include_row_index": True,
                "row_index_offset": 9,
                "projection": ["a"],
            },
        ),
        (shim.JsonScanOptions().with_path("$.a"), {"path": "$.a"}),
        (
            shim.StringScanOptions().with_value_column_name("v").with_ttl(name="t"),
            {"value_column_name": "v", "include_ttl": True, "ttl_column_name": "t"},
        ),
        (shim.SetScanOptions().with_member_column_name("m"), {"member_column_name": "m"}),
        (
            shim.ListScanOptions().with_element_column_name("e").with_position(name="p"),
            {"element_column_name": "e", "include_position": True, "position_column_name": "p"},
        ),
        (
            shim.ZSetScanOptions().with_score_column_name("s").with_rank(name="r"),
            {"score_column_name": "s", "include_rank": True, "rank_column_name": "r"},
        ),
        (
            shim.StreamScanOptions().with_id(False).with_timestamp(False).with_sequence()
            .with_range("1", "2").with_count_per_stream(3).with_fields(["a"]),
            {
                "include_id": False,
                "include_timestamp": False,
                "include_sequence": True,
                "start_id": "1",
                "end_id": "2",
                "count_per_stream": 3,
                "fields": ["a"],
            },
        ),
        (
            shim.TimeSeriesScanOptions().with_timestamp_column_name("t").with_range("1", "2")
            .with_count_per_series(3).with_aggregation("avg", 1000).with_value_column_name("v"),
            {
                "timestamp_column_name": "t",
                "start": "1",
                "end": "2",
                "count_per_series": 3,
                "aggregation": "avg",
                "bucket_size_ms": 1000,
                "value_column_name": "v",
            },
        ),
    ],
)  # fmt: skip
def test_builders_of_one_kind(options, expected):
    assert changed(options) == expected


def test_the_environment(monkeypatch):
    monkeypatch.setenv("POLARS_REDIS_BATCH_SIZE", "77")
    monkeypatch.setenv("POLARS_REDIS_COUNT_HINT", "88")
    monkeypatch.setenv("POLARS_REDIS_TIMEOUT_MS", "99")
    assert shim.get_default_batch_size() == 77
    assert shim.get_default_count_hint() == 88
    assert shim.get_default_timeout_ms() == 99
    arguments = shim.ListScanOptions().to_scan_arguments()
    assert (arguments["batch_size"], arguments["count_hint"]) == (77, 88)
    assert shim.ListScanOptions(batch_size=5).to_scan_arguments()["batch_size"] == 5


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "many", "9" * 30, "²"])
def test_an_environment_that_cannot_be_used(monkeypatch, text):
    monkeypatch.setenv("POLARS_REDIS_BATCH_SIZE", text)
    with pytest.raises(OptionError, match="POLARS_REDIS_BATCH_SIZE"):
        shim.HashScanOptions()


def test_arguments_beside_the_options():
    options = shim.HashScanOptions(batch_size=500, include_ttl=True)
    arguments = options.to_scan_arguments({"include_ttl": True, "parallel": 4, "count_hint": 7})
    assert arguments["batch_size"] == 500
    assert arguments["count_hint"] == 7
    assert arguments["parallel"] == 4
    with pytest.raises(OptionError, match=r"batch_size is 100 as an argument and 500 in the Hash"):
        options.to_scan_arguments({"batch_size": 100})


@pytest.mark.parametrize(
    "options",
    [
        shim.ScanOptions(batch_size=0),
        shim.ScanOptions(count_hint="5"),
        shim.ScanOptions(n_rows=-1),
        shim.ScanOptions(n_rows=True),
        shim.HashScanOptions(row_index_offset=-1),
        shim.HashScanOptions(projection="name"),
        shim.HashScanOptions(include_key="yes"),
        shim.HashScanOptions(key_column_name=""),
        shim.StreamScanOptions(count_per_stream=0),
    ],
)
def test_options_that_cannot_be_used(options):
    with pytest.raises(OptionError, match=type(options).__name__):
        options.to_scan_arguments()
