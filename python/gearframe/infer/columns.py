"""Columns out of what was read: one dtype for each, with its evidence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import polars as pl

from gearframe.infer.candidates import infer_text, nearest
from gearframe.infer.json_shape import (
    Object,
    Shape,
    can_be_name,
    json_dtype,
    json_text,
    parse_json,
)  # fmt: skip
from gearframe.infer.result import InferredColumn, shares
from gearframe.infer.table import shown
from gearframe.texts import mismatches

if TYPE_CHECKING:
    from gearframe.infer.fetch import Rows

_EXAMPLES = 3

NOT_TEXT = "is not UTF-8"
NOT_A_NAME = "has a character that no column name can have"
RESERVED = "is the name of a column that scans add"
NO_DTYPE = "has values that no one dtype takes"
NO_OBJECT = "documents that are no objects"


class TextEvidence:
    """The texts of each column."""

    def __init__(self, texts: dict[str, list[bytes]]) -> None:
        self._texts = texts

    def count(self, name: str, dtype: pl.DataType) -> tuple[int, int]:
        """See `Evidence`."""
        texts = self._texts[name]
        return len(texts) - len(mismatches(texts, dtype)), len(texts)


class DocumentEvidence:
    """Documents, of which each column is a member."""

    def __init__(self, documents: list[bytes], values: dict[str, int]) -> None:
        self._documents = documents
        self._values = values

    def count(self, name: str, dtype: pl.DataType) -> tuple[int, int]:
        """See `Evidence`."""
        column = pl.Struct({name: dtype})
        values = self._values[name]
        return values - len(mismatches(self._documents, column)), values


def text_columns(
    rows: Rows, reserved: Collection[str], *, is_complete: bool
) -> tuple[list[InferredColumn], dict[str, str], TextEvidence]:
    """Infer the columns of hashes, strings and streams, and say which fields are none."""
    texts: dict[str, list[bytes]] = {}
    omitted: dict[str, str] = {}
    for raw in rows.names:
        name, reason = _name(raw, reserved)
        if reason is None:
            texts[name] = [row[raw] for row in rows.rows if raw in row]
        else:
            omitted[name] = reason
    columns = [
        _text_column(name, values, len(rows.rows), is_complete=is_complete)
        for name, values in texts.items()
    ]
    return columns, omitted, TextEvidence(texts)


def _name(raw: bytes, reserved: Collection[str]) -> tuple[str, str | None]:
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        return shown(raw), NOT_TEXT
    return name_or_reason(name, reserved)


def name_or_reason(name: str, reserved: Collection[str]) -> tuple[str, str | None]:
    """Give a name, and why it is no column's, if it is not."""
    if not can_be_name(name):
        return shown(name), NOT_A_NAME
    return (shown(name), RESERVED) if name in reserved else (name, None)


def _text_column(
    name: str, texts: Sequence[bytes], rows: int, *, is_complete: bool
) -> InferredColumn:
    dtype, note = _text_dtype(texts)
    share, confidence = shares(len(texts), len(texts), is_complete=is_complete)
    return InferredColumn(
        name=name,
        dtype=dtype,
        present=len(texts) / rows,
        values=len(texts),
        parses=share,
        confidence=confidence,
        examples=_examples(map(shown, texts)),
        note=note,
    )


def _text_dtype(texts: Sequence[bytes]) -> tuple[pl.DataType, str]:
    dtype = infer_text(texts)
    if not isinstance(dtype, pl.String):
        return dtype, ""
    if all(text.lstrip()[:1] in (b"{", b"[") for text in texts):
        nested = json_dtype(texts)
        if nested is not None and not mismatches(texts, nested):
            return nested, "JSON text; members that no sampled value has are not read"
        return dtype, "JSON text of various shapes" if nested is None else ""
    return dtype, _nearly(texts)


def _nearly(texts: Sequence[bytes]) -> str:
    """Name the dtype that nearly all values have: the others may be mistakes."""
    near = nearest(texts)
    if near is None or near[1] < 0.9 * len(texts):
        return ""
    dtype, taken, exception = near
    failed = f"{len(texts) - taken:,} of {len(texts):,} values"
    return f"{dtype} but for {failed}, such as {shown(exception)!r}"


def _examples(texts: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for text in texts:
        found[text] = None
        if len(found) == _EXAMPLES:
            break
    return tuple(found)


def document_columns(
    rows: Rows, reserved: Collection[str], *, is_complete: bool
) -> tuple[list[InferredColumn], dict[str, str], DocumentEvidence]:
    """Infer the columns of documents: their members. Documents without any are counted."""
    documents: list[bytes] = []
    members: dict[str, Shape] = {}
    present: dict[str, int] = {}
    examples: dict[str, dict[str, None]] = {}
    for text in [row[b"value"] for row in rows.rows]:
        document = parse_json(text)
        if not isinstance(document, Object):
            rows.left_out[NO_OBJECT] += 1
            rows.keys -= 1
            continue
        documents.append(text)
        for name, value in document.items():
            members.setdefault(name, Shape()).add(value)
            present[name] = present.get(name, 0) + 1
            few = examples.setdefault(name, {})
            if value is not None and len(few) < _EXAMPLES:
                few[shown(json_text(value))] = None
    evidence = DocumentEvidence(documents, {name: each.values for name, each in members.items()})
    columns, omitted = [], {}
    for name, dtype in _document_dtypes(documents, members).items():
        shown_name, reason = name_or_reason(name, reserved)
        if reason is not None or dtype is None:
            omitted[shown_name] = reason or NO_DTYPE
            continue
        values = members[name].values
        share, confidence = shares(values, values, is_complete=is_complete)
        columns.append(
            InferredColumn(
                name=name,
                dtype=dtype,
                present=present[name] / len(documents),
                values=values,
                parses=share,
                confidence=confidence,
                examples=tuple(examples[name]),
                note=_omitted_members(members[name]),
            )
        )
    return columns, omitted, evidence


def _document_dtypes(
    documents: Sequence[bytes], members: dict[str, Shape]
) -> dict[str, pl.DataType | None]:
    dtypes = {name: shape.dtype(whole=False) for name, shape in members.items()}
    fields = {
        name: dtype for name, dtype in dtypes.items() if dtype is not None and can_be_name(name)
    }
    if not fields or not mismatches(documents, pl.Struct(fields)):
        return dtypes
    for name, dtype in fields.items():
        if mismatches(documents, pl.Struct({name: dtype})):
            dtypes[name] = None
    return dtypes


def _omitted_members(shape: Shape) -> str:
    paths = list(shape.omitted("$"))
    more = f" and {len(paths) - _EXAMPLES:,} more" if len(paths) > _EXAMPLES else ""
    return f"without {', '.join(paths[:_EXAMPLES])}{more}: {NO_DTYPE}" if paths else ""
