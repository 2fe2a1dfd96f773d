"""What was inferred: columns with the evidence for them, as a schema, a frame or Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from gearframe.exceptions import SchemaError
from gearframe.infer.confidence import lower_bound
from gearframe.infer.python_text import python_text
from gearframe.infer.table import table_text
from gearframe.schema import normalize_schema

if TYPE_CHECKING:
    from gearframe.infer.fetch import Kind


class Evidence(Protocol):
    """The values of a sample, so that another dtype can be judged without reading again."""

    def count(self, name: str, dtype: pl.DataType) -> tuple[int, int]:
        """Count the values of a column that a dtype takes, and all of its values."""
        ...


@dataclass(frozen=True, kw_only=True)
class InferredColumn:
    """One column, and what speaks for its dtype.

    Attributes
    ----------
    name : str
        The field, or the member of a document.
    dtype : polars.DataType
        Takes every value of the sample, unless it was given by hand.
    present : float
        The share of keys that have it; of streams, of entries.
    values : int
        How many values were looked at; nulls in documents are none.
    parses : float or None
        The share of these that the dtype takes; None if there were none.
    confidence : float
        The share of all values that the dtype takes at least, with 95 % certainty; see
        :func:`gearframe.infer.confidence.lower_bound`. The same as `parses` if the sample was
        everything.
    examples : tuple of str
        Up to three distinct values, cut to 40 characters.
    note : str
        What else there is to know, such as how many values spoil a narrower dtype.
    """

    name: str
    dtype: pl.DataType
    present: float
    values: int
    parses: float | None
    confidence: float
    examples: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class InferredSchema:
    """A schema, and the sample that it was inferred from. Made by :func:`gearframe.infer_schema`.

    Attributes
    ----------
    kind : str or None
        ``hashes``, ``json``, ``strings`` or ``streams``; None if no key was found.
    pattern : str or bytes
        Which keys.
    columns : tuple of InferredColumn
        In the order of first sight.
    sampled_keys : int
        From how many keys values were read.
    rows : int
        How many rows they make: more than keys for streams.
    partial_keys : int
        How many of the keys were too large to be read as a whole: of a hash 1,000 fields were
        read and those that are columns, of a stream some entries of six places.
    is_complete : bool
        Whether these are all values of all keys that match.
    left_out : mapping of str to int
        Sampled keys that were not used, by type or reason.
    omitted : mapping of str to str
        Fields that are no columns, and why.
    seed : int
        Chooses the same sample again.

    Examples
    --------
    >>> client = gf.connect()
    >>> _ = client.execute("HSET", "user:1", "name", "Ann", "age", "41", "zip", "01007")
    >>> inferred = gf.infer_schema(client, "user:*")
    >>> inferred.schema
    Schema([('name', String), ('age', Int64), ('zip', String)])
    >>> client.read_hashes("user:*", inferred.schema)["age"].to_list()
    [41]
    """

    kind: Kind | None
    pattern: str | bytes
    columns: tuple[InferredColumn, ...]
    sampled_keys: int
    rows: int
    partial_keys: int
    is_complete: bool
    left_out: Mapping[str, int]
    omitted: Mapping[str, str]
    seed: int
    evidence: Evidence = field(repr=False, compare=False)

    @property
    def schema(self) -> pl.Schema:
        """The columns' names and dtypes, as scans take them."""
        return pl.Schema({column.name: column.dtype for column in self.columns})

    def with_overrides(self, overrides: Mapping[str, Any]) -> InferredSchema:
        """Put other dtypes in the place of inferred ones. Sends nothing.

        Parameters
        ----------
        overrides : mapping of str to dtype
            For some of the columns; also Python types.

        Returns
        -------
        InferredSchema
            With shares and confidence for the new dtypes, out of the same sample.

        Raises
        ------
        SchemaError
            For a column that there is not, and for an unsupported dtype.

        Examples
        --------
        >>> client = gf.connect()
        >>> _ = client.execute("HSET", "user:1", "age", "41")
        >>> gf.infer_schema(client, "user:*").with_overrides({"age": pl.UInt8}).schema
        Schema([('age', UInt8)])
        """
        dtypes = normalize_schema(overrides, reserved=())
        names = [column.name for column in self.columns]
        unknown = [name for name in dtypes if name not in names]
        if unknown:
            raise SchemaError(
                f"there is no column {unknown[0]!r} to override; there are {', '.join(names)}"
            )
        columns = (
            self._overridden(column, dtypes[column.name]) if column.name in dtypes else column
            for column in self.columns
        )
        return replace(self, columns=tuple(columns))

    def _overridden(self, column: InferredColumn, dtype: pl.DataType) -> InferredColumn:
        parsed, values = self.evidence.count(column.name, dtype)
        share, confidence = shares(parsed, values, is_complete=self.is_complete)
        note = "" if dtype != column.dtype else column.note
        return replace(column, dtype=dtype, parses=share, confidence=confidence, note=note)

    def to_frame(self) -> pl.DataFrame:
        """Give one row for each column.

        Returns
        -------
        polars.DataFrame
            ``name``, ``dtype`` (String), ``present``, ``parses``, ``confidence`` (Float64),
            ``values`` (Int64), ``examples`` (List of String), ``note``.

        Examples
        --------
        >>> client = gf.connect()
        >>> _ = client.execute("HSET", "user:1", "age", "41")
        >>> gf.infer_schema(client, "user:*").to_frame()["dtype"].to_list()
        ['Int64']
        """
        schema: dict[str, Any] = {
            "name": pl.String,
            "dtype": pl.String,
            "present": pl.Float64,
            "parses": pl.Float64,
            "confidence": pl.Float64,
            "values": pl.Int64,
            "examples": pl.List(pl.String),
            "note": pl.String,
        }
        rows = [
            {name: getattr(column, name) for name in schema} | {"dtype": str(column.dtype)}
            for column in self.columns
        ]
        return pl.DataFrame(rows, schema=schema)

    def to_python(self) -> str:
        """Write the schema as Python to paste.

        Returns
        -------
        str
            An assignment to ``schema``, and the call of a scan with it.

        Examples
        --------
        >>> client = gf.connect()
        >>> _ = client.execute("HSET", "user:1", "age", "41")
        >>> print(gf.infer_schema(client, "user:*").to_python())
        schema = {
            "age": pl.Int64,
        }
        lf = gf.scan_hashes(client, 'user:*', schema)
        """
        return python_text(self.kind, self.pattern, self.schema)

    def __str__(self) -> str:
        return table_text(self)


def shares(parsed: int, values: int, *, is_complete: bool) -> tuple[float | None, float]:
    """Give the share of values that parse, and the confidence in it."""
    share = parsed / values if values else None
    if is_complete and share is not None:
        return share, share
    return share, lower_bound(parsed, values)
