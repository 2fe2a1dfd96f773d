r"""Dtypes that texts may have, each with the texts that it takes.

A candidate has two judges: a form, which leaves out what would not come back as the same text
(``01007``, ``+49``), and the grammar of scans, which has the last word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from gearframe.texts import mismatches

_WHOLE = rb"0|-?[1-9][0-9]*"
_NUMBER = rb"-?(?:0|[1-9][0-9]*)?(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?"
_WORD = re.compile(rb"nan|-?inf(?:inity)?", re.IGNORECASE)
_FRACTION = re.compile(rb"[.eE]")
_CLOCK = rb"[0-9-][0-9-]*[T ][0-9:.]*"
_SIGNIFICANT = 17  # digits of a float that are printed so that it reads back


@dataclass(frozen=True)
class Candidate:
    """A dtype, and the form that its texts must have."""

    dtype: pl.DataType
    form: re.Pattern[bytes]

    def taken(self, texts: Sequence[bytes]) -> int:
        """Count the texts that have the form and that a scan reads."""
        fitting = [text for text in texts if self.form.fullmatch(text)]
        return len(fitting) - len(mismatches(fitting, self.dtype)) if fitting else 0


def _candidate(dtype: pl.DataType, form: bytes) -> Candidate:
    return Candidate(dtype, re.compile(form, re.DOTALL))


INTEGERS = tuple(
    _candidate(dtype, _WHOLE) for dtype in (pl.Int64(), pl.UInt64(), pl.Int128(), pl.UInt128())
)
DATES = (
    _candidate(pl.Date(), rb"[0-9-]+"),
    *(_candidate(pl.Datetime(unit), _CLOCK) for unit in ("us", "ns")),
    *(
        _candidate(pl.Datetime(unit, "UTC"), _CLOCK + rb"(?:Z|[+-][0-9:]+)")
        for unit in ("us", "ns")
    ),
)
_BOOLEAN = _candidate(pl.Boolean(), rb"(?i:true|false)")
_FLOAT = _candidate(pl.Float64(), _NUMBER)
_TYPED = (_BOOLEAN, *INTEGERS, *DATES)


def infer_text(texts: Sequence[bytes]) -> pl.DataType:
    """Choose the dtype of texts: one that takes all of them, and gives each back as it was.

    Parameters
    ----------
    texts : sequence of bytes
        At least one.

    Returns
    -------
    pl.DataType
        Boolean for ``true`` and ``false``; Int64, or UInt64, Int128 or UInt128 where a number is
        larger; Float64; Date; Datetime, with UTC where every text has an offset, and in
        nanoseconds where one needs them; String; Binary where a text is not UTF-8.

    Examples
    --------
    >>> infer_text([b"1", b"-20"])
    Int64
    >>> infer_text([b"1", b"01007"]), infer_text([b"1", b""])
    (String, String)
    """
    first = texts[:1]
    for candidate in _TYPED:
        # Most columns are out at their first value.
        if candidate.taken(first) and candidate.taken(texts) == len(texts):
            return candidate.dtype
    if is_float(texts):
        return pl.Float64()
    return pl.Binary() if mismatches(texts, pl.String()) else pl.String()


def is_float(texts: Sequence[bytes]) -> bool:
    """Tell whether texts are floats: numbers, one of them with a fraction or an exponent.

    The words ``nan`` and ``inf`` are floats beside such a number, and texts elsewhere. A number
    that a Float64 would change is none: a whole one that it cannot hold, or more than 17 digits.
    """
    numbers = [text for text in texts if not _WORD.fullmatch(text)]
    if not any(_FRACTION.search(text) for text in numbers):
        return False
    if _FLOAT.taken(numbers) < len(numbers) or mismatches(texts, pl.Float64()):
        return False
    return all(map(_is_kept, numbers))


def _is_kept(text: bytes) -> bool:
    if not _FRACTION.search(text):
        return len(text) <= 15 or int(float(text)) == int(text)
    mantissa = re.split(rb"[eE]", text)[0]
    return len(mantissa.replace(b".", b"").strip(b"-").lstrip(b"0")) <= _SIGNIFICANT


def nearest(texts: Sequence[bytes]) -> tuple[pl.DataType, int, bytes] | None:
    """Find the typed candidate that takes the most texts, how many, and one that it does not.

    For a column that became String: its few exceptions are often mistakes in the data.
    """
    counts = [(candidate.taken(texts), candidate) for candidate in (*_TYPED, _FLOAT)]
    taken, candidate = max(counts, key=lambda pair: pair[0])
    exception = next((text for text in texts if not candidate.taken([text])), None)
    return (candidate.dtype, taken, exception) if taken and exception is not None else None
