"""``gearframe infer``: which columns a person's data has."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import polars as pl
from cyclopts import Parameter

from gearframe.cli.connection import ConnectionOptions
from gearframe.cli.console import Output
from gearframe.cli.tables import print_table
from gearframe.dtypes import dtype_text
from gearframe.infer.infer import infer_schema
from gearframe.infer.table import heading, remarks

if TYPE_CHECKING:
    from gearframe.infer.result import InferredSchema


def infer(
    url: str,
    pattern: str = "*",
    /,
    *,
    kind: Literal["hashes", "json", "strings", "streams"] | None = None,
    sample: int = 1000,
    seed: int | None = None,
    format: Literal["table", "json", "schema"] = "table",
    python: Annotated[bool, Parameter(negative="")] = False,
    connection: ConnectionOptions | None = None,
) -> None:
    """Guess the columns and their dtypes from a random sample of keys.

    A dtype is given only if it takes every value of the sample. The table goes to standard
    output, what the sample is and what was left out to standard error. For example:

    `gearframe infer redis://localhost 'user:*'`

    Parameters
    ----------
    url
        The server: `redis://host:6379/0`, `rediss://` for TLS, `unix:///path`.
    pattern
        Redis' glob pattern for the keys, in quotes.
    kind
        The type of the keys; the commonest in the sample if not given.
    sample
        How many keys to look at.
    seed
        Choose the same sample again: the number that a run before has told.
    format
        `json` has an object for each column; `schema` is what `gearframe scan --schema @file`
        reads.
    python
        Print Python to paste instead.
    """
    with (connection or ConnectionOptions()).connect(url) as client:
        inferred = infer_schema(client, pattern, kind, sample=sample, seed=seed)
    if python:
        print(inferred.to_python())
    elif format == "table":
        print_table(_table(inferred), Output())
    elif format == "json":
        print(json.dumps(inferred.to_frame().to_dicts(), ensure_ascii=False, indent=2))
    else:
        schema = {column.name: dtype_text(column.dtype) for column in inferred.columns}
        print(json.dumps(schema, ensure_ascii=False, indent=2))
    for line in [heading(inferred), *remarks(inferred)]:
        print(line, file=sys.stderr)


def _table(inferred: InferredSchema) -> pl.DataFrame:
    percent = (pl.col("present", "parses", "confidence") * 1000).floor() / 10
    return pl.DataFrame(
        {
            "column": [column.name for column in inferred.columns],
            "dtype": [dtype_text(column.dtype) for column in inferred.columns],
        },
        schema={"column": pl.String, "dtype": pl.String},
    ).hstack(
        inferred.to_frame().select(percent.name.suffix(" %"), pl.col("examples").list.join(", "))
    )
