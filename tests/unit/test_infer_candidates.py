"""Which dtype texts get: judged by the scan's grammar, and never at the price of a digit."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearframe.infer.candidates import infer_text, nearest
from gearframe.infer.columns import document_columns
from gearframe.infer.confidence import lower_bound
from gearframe.infer.fetch import Row, Rows
from gearframe.infer.json_shape import json_dtype
from gearframe.infer.python_text import dtype_python
from gearframe.texts import mismatches, parse_texts

UTC = pl.Datetime("us", "UTC")

CASES: list[tuple[list[str], pl.DataType]] = [
    (["0", "-1", "42"], pl.Int64()),
    (["0", "1"], pl.Int64()),
    (["9223372036854775807", "-9223372036854775808"], pl.Int64()),
    (["1", "9223372036854775808"], pl.UInt64()),
    (["-1", "9223372036854775808"], pl.Int128()),
    (["18446744073709551616"], pl.Int128()),
    ([str(2**127)], pl.UInt128()),
    ([str(2**128)], pl.String()),
    (["01007"], pl.String()),
    (["1", "01007"], pl.String()),
    (["+49700"], pl.String()),
    (["-0"], pl.String()),
    (["00.5"], pl.String()),
    (["+1.5"], pl.String()),
    (["1", ""], pl.String()),
    ([""], pl.String()),
    ([" 1"], pl.String()),
    (["1", "x"], pl.String()),
    (["1", "2.5"], pl.Float64()),
    (["1e3"], pl.Float64()),
    ([".5", "5.", "-0", "-1e-3"], pl.Float64()),
    (["nan"], pl.String()),
    (["nan", "1"], pl.String()),
    (["nan", "-inf", "1.5", "2"], pl.Float64()),
    (["inf", "x"], pl.String()),
    (["1e400"], pl.String()),
    (["0.5", "9007199254740993"], pl.String()),
    (["0.5", "9007199254740992"], pl.Float64()),
    (["3.14159265358979323846"], pl.String()),
    (["0.10000000000000001"], pl.Float64()),
    (["true", "False"], pl.Boolean()),
    (["true", "1"], pl.String()),
    (["yes"], pl.String()),
    (["2024-02-29"], pl.Date()),
    (["2024-02-30"], pl.String()),
    (["20240229"], pl.Int64()),
    (["2024-02-29", "2024-02-29T10:00"], pl.String()),
    (["2024-02-29T10:00", "2024-02-29 10:00:00.123456"], pl.Datetime("us")),
    (["2024-02-29T10:00:00.123456789"], pl.Datetime("ns")),
    (["2024-02-29T10:00:00Z", "2024-02-29T10:00:00+05:00"], UTC),
    (["2024-02-29T10:00:00Z", "2024-02-29T10:00:00"], pl.String()),
    (["12:30"], pl.String()),
]


@pytest.mark.parametrize(("texts", "dtype"), CASES, ids=str)
def test_dtype(texts: list[str], dtype: pl.DataType) -> None:
    raw = [text.encode() for text in texts]
    assert infer_text(raw) == dtype
    assert infer_text(raw[::-1]) == dtype


def test_bytes() -> None:
    assert infer_text([b"a", b"\xff"]) == pl.Binary()


PIECES = st.sampled_from(
    ["0", "1", "7", "-", "+", ".", "e", "nan", "inf", "true", "T", " ", ":", "2024-01-31", "10:00",
     "Z", "+01:00", "[", "]", "{", "}", '"a"', ",", "9" * 17, "\xe9", ""]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=5).map(lambda parts: "".join(parts).encode()) | st.binary()


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_every_text_is_taken(texts: list[bytes]) -> None:
    assert mismatches(texts, infer_text(texts)) == []
    nested = json_dtype(texts)
    assert nested is None or nested.is_nested()


@given(st.lists(st.integers().map(str) | TEXTS.map(lambda t: t.decode("latin-1")), min_size=1))
def test_integers_come_back_as_they_were(texts: list[str]) -> None:
    raw = [text.encode() for text in texts]
    dtype = infer_text(raw)
    if dtype.is_integer():
        assert parse_texts(raw, dtype, name="x").cast(pl.String).to_list() == texts


def test_the_nearest_dtype() -> None:
    assert nearest([b"1", b"2", b"n/a", b""]) == (pl.Int64(), 2, b"n/a")
    assert nearest([b"1", b"007"]) == (pl.Int64(), 1, b"007")
    assert nearest([b"a"]) is None


@pytest.mark.parametrize(
    ("texts", "dtype"),
    [
        (["[1]", "[]", " [null, 2]"], pl.List(pl.Int64())),
        (["[1, 2.5]"], pl.List(pl.Float64())),
        (['[1, "x"]'], None),
        (["[9223372036854775808]"], pl.List(pl.UInt64())),
        (["[-1, 9223372036854775808]"], pl.List(pl.Int128())),
        ([f"[{2**128}]"], None),
        (["[0.5, 9007199254740993]"], None),
        (['[0.5, "NaN"]'], pl.List(pl.Float64())),
        (['[1, "NaN"]'], None),
        (['["NaN"]'], pl.List(pl.String())),
        (['{"a": 1}', '{"b": [true]}'], pl.Struct({"a": pl.Int64(), "b": pl.List(pl.Boolean())})),
        (['{"a": null}'], pl.Struct({"a": pl.String()})),
        (['{"d": "2024-01-31"}'], pl.Struct({"d": pl.Date()})),
        (['{"d": "2024-01-31"}', '{"d": "soon"}'], pl.Struct({"d": pl.String()})),
        (['{"a": 1}', '{"a": "x"}'], None),
        (['{"a": 1, "b": 1}', '{"a": "x"}'], None),
        (['{"a": 1}', "[1]"], None),
        (["{}"], None),
        (["[NaN]"], None),
        (["[1"], None),
        (["[" * 100_000], None),
        (['{"a\\u0000": 1}'], None),
    ],
    ids=str,
)
def test_json(texts: list[str], dtype: pl.DataType | None) -> None:
    raw = [text.encode() for text in texts]
    assert json_dtype(raw) == dtype
    assert dtype is None or mismatches(raw, dtype) == []


def test_a_json_dictionary_is_no_struct() -> None:
    members = ", ".join(f'"{i}": 1' for i in range(300))
    assert json_dtype([f"{{{members}}}".encode()]) is None


def test_a_member_that_the_grammar_refuses_is_no_column() -> None:
    """Python's JSON takes half of a surrogate pair, and the scan's does not."""
    rows = Rows(rows=[Row(b"k", {b"value": b'{"a": "\\ud800", "n": 1}'})], keys=1)
    columns, omitted, _ = document_columns(rows, (), is_complete=True)
    assert [column.name for column in columns] == ["n"]
    assert omitted == {"a": "has values that no one dtype takes"}


@pytest.mark.parametrize(
    "dtype",
    [
        pl.Int128(), UTC, pl.Datetime("ms"), pl.Duration("ns"), pl.Decimal(10, 2), pl.Binary(),
        pl.List(pl.Struct({'a "b"': pl.Date(), "\n": pl.Array(pl.Float32(), 3)})),
        pl.Enum(["a", "b'"]), pl.Categorical(),
    ],
    ids=str,
)  # fmt: skip
def test_python_of_a_dtype(dtype: pl.DataType) -> None:
    written = eval(dtype_python(dtype), {"pl": pl})
    assert (written() if isinstance(written, type) else written) == dtype


def test_confidence_grows_with_the_sample_and_falls_with_failures() -> None:
    bounds = [lower_bound(n, n) for n in (1, 3, 10, 100, 1000)]
    assert bounds == sorted(bounds)
    # The bound itself: a share so low would show no failure in 5 % of the samples.
    assert lower_bound(100, 100) ** 100 == pytest.approx(0.05)
    assert lower_bound(0, 0) == lower_bound(0, 10) == 0
    assert lower_bound(99, 100) < lower_bound(100, 100)
    assert 0.94 < lower_bound(99, 100) < 0.99
