"""Arguments of scans that cannot be used: what the messages say."""

from __future__ import annotations

import inspect
from typing import Any

import polars as pl
import pytest

import gearframe as gf
from gearframe.io.options import ScanOptions
from gearframe.io.write.options import WriteOptions

SCANS = {
    "scan_hashes": {"schema": {}},
    "scan_strings": {},
    "scan_sets": {},
    "scan_lists": {},
    "scan_zsets": {},
    "scan_streams": {},
    "scan_json": {"schema": {}},
    "scan_timeseries": {},
    "scan_vectors": {"dim": 3},
    "scan_keys": {},
}


@pytest.mark.parametrize(("name", "arguments"), SCANS.items())
@pytest.mark.parametrize("verb", ["scan", "read"])
def test_an_unknown_option_is_refused_with_those_that_exist(
    verb: str, name: str, arguments: dict[str, Any]
) -> None:
    parameters = inspect.signature(getattr(gf, name)).parameters.values()
    own = [each.name for each in parameters if each.kind == each.KEYWORD_ONLY]
    function = getattr(gf, name.replace("scan", verb))
    with pytest.raises(TypeError, match=f"'colour'; {name} takes {', '.join([*own, 'keys'])}, "):
        function(None, "*", **arguments, colour="red")


@pytest.mark.parametrize("function", [gf.scan_hashes, gf.scan_json, gf.scan_streams])
def test_a_schema_in_the_place_of_the_pattern(function: Any) -> None:
    with pytest.raises(gf.OptionError, match=r"expected a text .*a schema comes behind it"):
        function(None, {"name": pl.String})


@pytest.mark.parametrize("name", ["include_key", "include_ttl", "progress"])
def test_what_is_no_yes_or_no(name: str) -> None:
    with pytest.raises(gf.OptionError, match=f"{name} is 'no'; expected True or False"):
        gf.scan_sets(None, **{name: "no"})


@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        ("Int64", "column 'n': 'Int64' is a text, not a dtype; write pl.Int64 without quotes"),
        ("number", "column 'n': 'number' is a text, not a dtype; write a dtype such as pl.String"),
    ],
)
def test_the_name_of_a_dtype_is_no_dtype(dtype: str, message: str) -> None:
    with pytest.raises(gf.SchemaError, match=message):
        gf.scan_hashes(None, "*", {"n": dtype})


def test_labels_of_a_series_that_are_none() -> None:
    frame = pl.DataFrame({"_key": ["t:1"], "_ts": [1], "value": [2.0]})
    with pytest.raises(gf.OptionError, match=r"labels is 5; expected a mapping such as"):
        gf.write_timeseries(frame, None, labels=5)  # type: ignore[arg-type]


def test_a_client_in_the_place_of_the_frame() -> None:
    with pytest.raises(gf.OptionError, match=r"comes first: expected .*LazyFrame, not NoneType"):
        gf.write_sets(None, pl.DataFrame())  # type: ignore[arg-type]


WRITES = ["hashes", "strings", "json", "sets", "lists", "zsets", "streams", "timeseries"]


@pytest.mark.parametrize(
    ("function", "names"),
    [
        *((getattr(gf, name), ScanOptions.__annotations__) for name in SCANS),
        *((getattr(gf, f"write_{kind}"), WriteOptions.__annotations__) for kind in WRITES),
    ],
)
def test_help_names_every_option(function: Any, names: dict[str, Any]) -> None:
    text = inspect.getdoc(function) or ""
    refused = {"ttl_column"} if function is gf.scan_keys else set()
    assert not [name for name in names if name not in refused and name not in text]
