"""Texts in memory are parsed as a scan parses them."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_series_equal

from gearframe import _native
from gearframe.exceptions import DataError, OptionError, SchemaError
from gearframe.texts import mismatches, parse_texts


@pytest.mark.parametrize(
    ("dtype", "texts", "values"),
    [
        (pl.Int64(), [b"7", None, b"-1", b"+07"], [7, None, -1, 7]),
        (pl.Int128(), [b"170141183460469231731687303715884105727"], [2**127 - 1]),
        (pl.UInt128(), [b"340282366920938463463374607431768211455", None], [2**128 - 1, None]),
        (pl.Float64(), [b"1.5", b"-inf"], [1.5, float("-inf")]),
        (pl.Boolean(), [b"TRUE", b"0"], [True, False]),
        (pl.String(), ["ä".encode(), b"", None], ["ä", "", None]),
        (pl.Binary(), [b"\xff", b""], [b"\xff", b""]),
        (pl.Date(), [b"2024-02-29"], [dt.date(2024, 2, 29)]),
        (pl.Categorical(), [b"a", b"b", b"a"], ["a", "b", "a"]),
        (pl.Enum(["a", "b"]), [b"b", None], ["b", None]),
        (pl.List(pl.Int128()), [b"[1, null]", None], [[1, None], None]),
        (pl.Struct({"x": pl.Int64()}), [b'{"x": 1}', b"{}"], [{"x": 1}, {"x": None}]),
        (pl.Int64(), [], []),
    ],
    ids=str,
)
def test_values(dtype: pl.DataType, texts: Sequence[bytes | None], values: list[Any]) -> None:
    assert_series_equal(parse_texts(texts, dtype, name="x"), pl.Series("x", values, dtype=dtype))
    assert mismatches(texts, dtype) == []


def test_what_does_not_fit_is_null_on_request() -> None:
    texts = [b"7", b"x", None, b"", b"9"]
    parsed = parse_texts(texts, pl.Int64(), name="n", on_error="null")
    assert parsed.to_list() == [7, None, None, None, 9]
    assert mismatches(texts, pl.Int64()) == [(1, "is not an integer"), (3, "is empty")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"x", '"x"'),
        (b'say "x"\n', r'"say \"x\"\n"'),
        (b"\xff\"'\t", r"""b"\xff\"'\t" """.strip()),
        (b"a" * 199 + "ä".encode(), '"' + "a" * 199 + '"'),
        (b"a" * 300, '"' + "a" * 200 + '"'),
    ],
    ids=["text", "quotes", "bytes", "divided character", "long"],
)
def test_the_first_that_does_not_fit_is_shown(text: bytes, shown: str) -> None:
    with pytest.raises(DataError) as raised:
        parse_texts([b"7", text], pl.Int64(), name="n")
    assert str(raised.value) == (
        f"row 1 of column 'n' is {shown}, which is not Int64: is not an integer; "
        'declare another dtype, or choose on_error="null"'
    )
    error = raised.value
    assert (error.key, error.field, error.value, error.dtype) == (None, "n", text[:200], "Int64")


def test_arguments() -> None:
    with pytest.raises(OptionError, match="expected 'raise' or 'null', not 'skip'"):
        parse_texts([], pl.Int64(), name="n", on_error="skip")  # type: ignore[arg-type]
    with pytest.raises(SchemaError, match="Object is not supported"):
        parse_texts([], pl.Object(), name="n")
    with pytest.raises(OptionError, match="the dtype cannot be read"):
        _native.parse_texts([], "{}")
    with pytest.raises(TypeError):
        _native.parse_texts(["7"], '{"kind": "int64"}')  # type: ignore[list-item]


def test_other_threads_run_meanwhile() -> None:
    """A thread that looks at the clock does so while texts are parsed."""
    texts = [b"[1,2,3,4,5,6,7,8,9]"] * 200_000
    looks: list[float] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.001):
            looks.append(time.monotonic())

    def is_seen() -> bool:
        begin = time.monotonic()
        _native.parse_texts(texts, '{"kind": "list", "inner": {"kind": "int64"}}')
        # Not near the ends: there the lock may be free.
        quarter = (time.monotonic() - begin) / 4
        return any(begin + quarter < each < begin + 3 * quarter for each in looks)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        # On a busy machine the thread may not get its turn in time; without the lock never.
        assert any(is_seen() for _ in range(50))
    finally:
        done.set()
        thread.join()
