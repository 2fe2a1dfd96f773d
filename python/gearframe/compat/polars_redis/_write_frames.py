"""Frames as polars-redis took them: keys that are made, rows that repeat a key, nulls."""

from __future__ import annotations

import polars as pl

from gearframe.exceptions import OptionError, SchemaError

_ROW = "__compat_row"

_AS_TEXT = (pl.Categorical, pl.Enum, pl.Date)


def with_keys(
    df: pl.DataFrame, key_column: str | None, *, one_key: bool = False
) -> tuple[pl.DataFrame, str]:
    """Give a frame with keys as texts, and the name of their column.

    Without a column of keys the rows are numbered, or belong all to the key 0.
    """
    if not isinstance(df, pl.DataFrame):
        raise OptionError(
            f"df is a {type(df).__name__}; expected a polars.DataFrame. The writes of gearframe "
            "take a LazyFrame too"
        )
    if key_column is None:
        number = pl.lit("0") if one_key else pl.int_range(pl.len()).cast(pl.String)
        return df.with_columns(number.alias(_ROW)), _ROW
    need(df, key_column)
    dtype = df.schema[key_column]
    # Numbers and days were keys there, as Python shows them.
    if dtype.is_integer() or isinstance(dtype, _AS_TEXT):
        df = df.with_columns(df.get_column(key_column).cast(pl.String))
    return df, key_column


def need(df: pl.DataFrame, *columns: str) -> None:
    """Refuse a frame that lacks a column."""
    for name in columns:
        if name not in df.columns:
            raise SchemaError(f"there is no column {name!r}; the frame has {df.columns}")


def without_nulls(df: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Leave out rows with a null in one of the columns: there is nothing to write."""
    return df.drop_nulls(list(columns))


def last_rows(df: pl.DataFrame, key: str) -> pl.DataFrame:
    """Keep the last row of each key, as if rows were written one by one."""
    if df.get_column(key).n_unique() == df.height:
        return df
    return df.unique([key], keep="last", maintain_order=True)


def merged_rows(df: pl.DataFrame, key: str) -> pl.DataFrame:
    """Keep the last value of each field of each key, as if rows were written one by one."""
    if df.get_column(key).n_unique() == df.height:
        return df
    # Plain names: a field may be called like a pattern of Polars.
    plain = df.rename({name: f"c{number}" for number, name in enumerate(df.columns)})
    by = f"c{df.columns.index(key)}"
    merged = plain.group_by(by, maintain_order=True).agg(pl.all().drop_nulls().last())
    return merged.select(plain.columns).rename(dict(zip(plain.columns, df.columns, strict=True)))
