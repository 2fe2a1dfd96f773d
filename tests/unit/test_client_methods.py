"""A client's methods are the functions of the same names, with the client filled in."""

from __future__ import annotations

import inspect

import polars as pl
import pytest

import gearframe as gf

WRITES = [
    "write_hashes", "write_strings", "write_json", "write_sets", "write_lists", "write_zsets",
    "write_streams", "write_timeseries",
]  # fmt: skip
SPELLED_OUT = ["infer_schema"]
READS = (
    "hashes", "strings", "sets", "lists", "zsets", "streams", "json", "timeseries", "vectors",
    "keys",
)  # fmt: skip
METHODS = [
    *(f"{verb}_{kind}" for verb in ("scan", "read") for kind in READS),
    *WRITES,
    *SPELLED_OUT,
]


@pytest.mark.parametrize("name", METHODS)
def test_each_function_on_data_is_a_method(name: str) -> None:
    assert callable(getattr(gf.Client, name))


@pytest.mark.parametrize("name", SPELLED_OUT)
def test_options_and_defaults_are_those_of_the_function(name: str) -> None:
    function = dict(inspect.signature(getattr(gf, name)).parameters)
    method = dict(inspect.signature(getattr(gf.Client, name)).parameters)
    del function["client"], method["self"]
    assert list(method.values()) == list(function.values())


@pytest.mark.parametrize("name", WRITES)
def test_unknown_options_are_refused_with_those_that_exist(name: str) -> None:
    function = getattr(gf, name)
    with (
        gf.connect() as client,
        pytest.raises(TypeError, match=f"'colour'; {name} takes .*progress"),
    ):
        getattr(client, name)(pl.DataFrame(), colour="red")
    # What the function takes of its own is in the message too.
    own = [
        p.name for p in inspect.signature(function).parameters.values() if p.kind == p.KEYWORD_ONLY
    ]
    with pytest.raises(TypeError, match=f"{name} takes {', '.join(own)}, key, key_prefix"):
        function(pl.DataFrame(), None, colour="red")


def test_options_arrive() -> None:
    frame = pl.DataFrame({"id": ["1", "2"], "n": [3, 4], "other": [5, 6], "left": [60, None]})
    with gf.connect() as client:
        client.write_hashes(frame, key="id", key_prefix="h:", columns=["n"], ttl="left")
        client.write_strings(frame, key="id", key_prefix="s:", value="n", ttl=60)
        hashes = client.read_hashes("h:*", {"n": int, "other": int}, include_ttl=True).sort("_key")
        assert hashes.drop("_ttl").rows() == [("h:1", 3, None), ("h:2", 4, None)]
        assert hashes["_ttl"].is_null().to_list() == [False, True]
        strings = client.read_strings("s:*", int, include_ttl=True)
        assert sorted(strings["value"]) == [3, 4]
        assert strings["_ttl"].null_count() == 0
        report = client.write_hashes(
            frame,
            key="id",
            key_prefix="h:",
            if_exists="fail",
            on_failure="report",
            batch_size=1,
            columns=["n"],
        )
        assert report.failed == {b"h:1": "exists already", b"h:2": "exists already"}
