"""Two frames that must hold the same rows."""

from __future__ import annotations

import polars as pl
from polars.testing import assert_frame_equal


def assert_same(found: pl.DataFrame, expected: pl.DataFrame, *, ordered: bool) -> None:
    """Compare exactly, with columns and dtypes.

    The order of keys says nothing. Within a key, ``ordered`` rows must come as they stand.
    """
    assert found.schema == expected.schema
    by = ["_key"] if ordered else found.columns
    assert_frame_equal(
        found.sort(by, maintain_order=True),
        expected.sort(by, maintain_order=True),
        check_exact=True,
    )
