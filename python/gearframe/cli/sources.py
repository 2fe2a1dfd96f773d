"""Each kind of keys as a LazyFrame for ``gearframe scan``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from gearframe.cli.console import tell
from gearframe.cli.moments import id_of, length_of, moment_of
from gearframe.cli.samples import SAMPLED_KEYS, sample_fields, sample_keys
from gearframe.cli.source import TYPES, Kind, Source
from gearframe.cli.tables import printable
from gearframe.exceptions import OptionError
from gearframe.infer.infer import infer_schema
from gearframe.io.hashes import scan_hashes
from gearframe.io.json import scan_json
from gearframe.io.keys import scan_keys
from gearframe.io.lists import scan_lists
from gearframe.io.options import reserved_names
from gearframe.io.sets import scan_sets
from gearframe.io.streams import scan_streams
from gearframe.io.strings import scan_strings
from gearframe.io.timeseries import scan_timeseries
from gearframe.io.vectors import scan_vectors
from gearframe.io.zsets import scan_zsets

if TYPE_CHECKING:
    from collections.abc import Callable


def open_source(source: Source, *, keys_only: bool) -> pl.LazyFrame:
    """Make the LazyFrame; for some kinds without a schema this looks at some keys."""
    source.check(keys_only=keys_only)
    return _keys_alone(source) if keys_only else _OPENED_BY[source.kind](source)


def _hashes(source: Source) -> pl.LazyFrame:
    schema = source.columns() if source.schema is not None else _sampled_fields(source)
    return scan_hashes(
        source.client,
        source.pattern,
        schema,
        field_ttl=source.elements.field_ttl,
        **source.options,
    )


def _sampled_fields(source: Source) -> dict[str, pl.DataType]:
    count, found = sample_fields(source.client, source.keys)
    return _as_text(source, found, f"{count} sampled hashes" if count else "")


def _as_text(source: Source, found: dict[str, pl.DataType], where: str) -> dict[str, pl.DataType]:
    """Leave out the fields whose names are taken, and say what the columns are."""
    reserved = reserved_names(source.options)  # type: ignore[arg-type]
    taken = [name for name in found if name in reserved]
    columns = {name: dtype for name, dtype in found.items() if name not in reserved}
    if where:
        tell(f"no --schema: the fields of {where}, all as String: {printable(', '.join(columns))}")
    if taken:
        tell(f"left out: {printable(', '.join(taken))}, for other columns have these names")
    return columns


def _fields(source: Source) -> pl.LazyFrame:
    name, dtype = source.column("value")
    return scan_hashes(
        source.client,
        source.pattern,
        dtype,
        format="long",
        value_column=name,
        field_ttl=source.elements.field_ttl,
        **source.options,
    )


def _strings(source: Source) -> pl.LazyFrame:
    name, dtype = ("value", "infer") if source.schema == "infer" else source.column("value")
    return scan_strings(source.client, source.pattern, dtype, value_column=name, **source.options)


def _sets(source: Source) -> pl.LazyFrame:
    name, dtype = source.column("member")
    return scan_sets(source.client, source.pattern, dtype, member_column=name, **source.options)


def _lists(source: Source) -> pl.LazyFrame:
    name, dtype = source.column("element")
    start, end = source.place("start"), source.place("end")
    return scan_lists(
        source.client,
        source.pattern,
        dtype,
        element_column=name,
        include_position=source.elements.position,
        start=0 if start is None else start,
        end=-1 if end is None else end,
        **source.options,
    )


def _zsets(source: Source) -> pl.LazyFrame:
    name, dtype = source.column("member")
    return scan_zsets(
        source.client,
        source.pattern,
        dtype,
        member_column=name,
        include_rank=source.elements.rank,
        min_rank=source.place("start"),
        max_rank=source.place("end"),
        **source.options,
    )


def _streams(source: Source) -> pl.LazyFrame:
    start, end = source.elements.start, source.elements.end
    schema = source.columns() if source.schema is not None else _sampled_entries(source)
    return scan_streams(
        source.client,
        source.pattern,
        schema,
        start="-" if start is None else id_of("--start", start),
        end="+" if end is None else id_of("--end", end),
        **source.options,
    )


def _sampled_entries(source: Source) -> dict[str, pl.DataType]:
    reserved = reserved_names(source.options) | {"_id", "_ts"}  # type: ignore[arg-type]
    found = infer_schema(
        source.client, source.keys, "streams", sample=SAMPLED_KEYS, reserved=reserved
    )
    where = f"{found.sampled_keys} sampled streams" if found.sampled_keys else ""
    texts = {
        name: dtype if dtype == pl.Binary else pl.String() for name, dtype in found.schema.items()
    }
    return _as_text(source, texts, where)


def _json(source: Source) -> pl.LazyFrame:
    if source.schema is None:
        tell("no --schema: the text of each document; --schema infer has members as columns")
        return scan_json(source.client, source.pattern, document_column="json", **source.options)
    return scan_json(source.client, source.pattern, source.columns(), **source.options)


def _timeseries(source: Source) -> pl.LazyFrame:
    _refuse_schema(source, "a time and a value, Float64")
    wanted = source.elements
    return scan_timeseries(
        source.client,
        source.pattern,
        start="-" if wanted.start is None else moment_of("--start", wanted.start),
        end="+" if wanted.end is None else moment_of("--end", wanted.end),
        aggregation=wanted.aggregation,
        bucket=None if wanted.bucket is None else length_of("--bucket", wanted.bucket),
        labels=None if wanted.labels is None else _names(wanted.labels),
        **source.options,
    )


def _vectors(source: Source) -> pl.LazyFrame:
    name, dtype = source.column("member")
    key = next(sample_keys(source.client, source.keys, "vectorset"), None)
    dim = None if key is None else source.client.execute("VDIM", key)
    if not isinstance(dim, int):
        raise OptionError(
            f"no key of {source.pattern!r} is a vector set, so nothing says how long vectors are"
        )
    return scan_vectors(
        source.client,
        source.pattern,
        dim,
        member_column=name,
        member_dtype=dtype,
        **source.options,
    )


def _keys(source: Source) -> pl.LazyFrame:
    _refuse_schema(source, "what the server knows of each key")
    options = dict(source.options)
    if options.pop("include_ttl"):
        raise OptionError("--kind keys has a column ttl anyway; leave --ttl out")
    return scan_keys(source.client, source.pattern, **options)


def _keys_alone(source: Source) -> pl.LazyFrame:
    """One row a key, and no value."""
    client, pattern, options = source.client, source.pattern, dict(source.options)
    if source.kind in ("hashes", "fields"):
        return scan_hashes(client, pattern, {}, **options)
    if source.kind == "json":
        return scan_json(client, pattern, {}, **options)
    if source.kind == "strings":
        return scan_strings(client, pattern, **options).drop("value")
    ttl = [pl.col("ttl").alias("_ttl")] if options.pop("include_ttl") else []
    lf = scan_keys(client, pattern, **options)
    names = lf.collect_schema().names()
    if source.kind in TYPES:
        lf = lf.filter(pl.col("type") == TYPES[source.kind])
    return lf.select(*names[: names.index("type")], *ttl)


def _refuse_schema(source: Source, what: str) -> None:
    if source.schema is not None:
        raise OptionError(f"--schema: --kind {source.kind} has {what}; use --select")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


_OPENED_BY: dict[Kind, Callable[[Source], pl.LazyFrame]] = {
    "hashes": _hashes,
    "fields": _fields,
    "strings": _strings,
    "sets": _sets,
    "lists": _lists,
    "zsets": _zsets,
    "streams": _streams,
    "json": _json,
    "timeseries": _timeseries,
    "vectors": _vectors,
    "keys": _keys,
}
