"""How sure an inferred schema is, in the terms of polars-redis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from gearframe.infer.result import InferredColumn, InferredSchema

_CONFIDENT = 0.9
_MIXED = 0.5

_CANDIDATES: dict[str, pl.DataType] = {
    "int64": pl.Int64(),
    "float64": pl.Float64(),
    "bool": pl.Boolean(),
}


class SchemaConfidence:
    """A schema with the evidence for it; made by `infer_hash_schema_with_confidence`.

    Parameters
    ----------
    result : mapping
        ``fields``, a mapping of names to dtypes; ``sample_count``; ``field_info``.

    Attributes
    ----------
    schema : dict of str to dtype
        As `infer_hash_schema` gives it.
    sample_count : int
        How many keys were looked at.
    field_info : dict of str to dict
        For each field ``type``; ``confidence``; ``samples``, the keys; ``valid``, the values that
        ``type`` takes; ``nulls`` and ``null_ratio``, keys without the field;
        ``type_candidates``, how many values each dtype takes; ``at_least``, the share of all
        values that ``type`` takes with 95 % certainty.
    average_confidence : float
        Of all fields; 1.0 without any.
    all_confident : bool
        Whether each field has 0.9 at least.

    Notes
    -----
    The confidence is 1.0 where no value of the sample speaks against the dtype. Where half of the
    values or more are numbers or booleans and not all, the dtype is Utf8, which takes them all,
    and the confidence their share.
    """

    def __init__(self, result: Mapping[str, Any]) -> None:
        self.schema: dict[str, Any] = dict(result["fields"])
        self.sample_count: int = result["sample_count"]
        self.field_info: dict[str, dict[str, Any]] = dict(result["field_info"])

    @property
    def average_confidence(self) -> float:
        """The mean of all fields; 1.0 without any."""
        shares = [info["confidence"] for info in self.field_info.values()]
        return sum(shares) / len(shares) if shares else 1.0

    @property
    def all_confident(self) -> bool:
        """Whether each field has 0.9 at least."""
        return not self.low_confidence_fields()

    def low_confidence_fields(self, threshold: float = _CONFIDENT) -> list[tuple[str, float]]:
        """Give the fields below a threshold, each with its confidence."""
        shares = [(name, info["confidence"]) for name, info in self.field_info.items()]
        return [(name, share) for name, share in shares if share < threshold]

    def __repr__(self) -> str:
        """Give the counts."""
        return (
            f"SchemaConfidence(fields={len(self.schema)}, samples={self.sample_count}, "
            f"avg_confidence={self.average_confidence:.2%})"
        )


def confidence_of(inferred: InferredSchema, schema: Mapping[str, Any]) -> SchemaConfidence:
    """Say for each column of a schema how sure it is."""
    columns = {column.name: column for column in inferred.columns}
    info = {name: _info(inferred, columns[name], dtype) for name, dtype in schema.items()}
    return SchemaConfidence(
        {"fields": schema, "sample_count": inferred.sampled_keys, "field_info": info}
    )


def _info(inferred: InferredSchema, column: InferredColumn, dtype: Any) -> dict[str, Any]:
    keys, values = inferred.sampled_keys, column.values
    counts = {
        name: inferred.evidence.count(column.name, candidate)[0]
        for name, candidate in _CANDIDATES.items()
    }
    best = max(counts.values())
    is_mixed = dtype == pl.String and 0 < values != best and best / values >= _MIXED
    return {
        "type": _NAMES.get(dtype, str(dtype)),
        "confidence": best / values if is_mixed else 1.0,
        "samples": keys,
        "valid": values,
        "nulls": keys - values,
        "null_ratio": (keys - values) / keys if keys else 0.0,
        "type_candidates": {**counts, "utf8": values},
        "at_least": column.confidence,
    }


_NAMES = {pl.Int64: "int64", pl.Float64: "float64", pl.Boolean: "bool", pl.String: "utf8"}
