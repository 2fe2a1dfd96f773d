"""An inferred schema as a table of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gearframe.infer.result import InferredSchema

_WIDTH = 40


def shown(value: bytes | str) -> str:
    r"""Show the beginning of a value on one line, without characters that steer a terminal.

    Examples
    --------
    >>> shown(b"caf\xc3\xa9\n"), shown(b"\xff")
    ('café\\n', '\\xff')
    """
    cut = value[: 4 * _WIDTH]
    text = cut if isinstance(cut, str) else cut.decode("utf-8", "backslashreplace")
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def table_text(inferred: InferredSchema) -> str:
    """Write the table, with the sample above it and what was left out below."""
    lines = [heading(inferred)]
    rows = [["column", "dtype", "present", "parses", "confidence", "examples"]]
    rows += [
        [
            shown(column.name),
            str(column.dtype),
            _percent(column.present),
            _percent(column.parses),
            _percent(column.confidence),
            ", ".join(column.examples),
        ]
        for column in inferred.columns
    ]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    if inferred.columns:
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            lines.append("  ".join(cells).rstrip())
    return "\n".join([*lines, *remarks(inferred)])


def heading(inferred: InferredSchema) -> str:
    """Say in a line what the sample is."""
    pattern = shown(inferred.pattern)
    if not inferred.sampled_keys:
        return f"no key of {pattern} could be sampled"
    keys = "1 key" if inferred.sampled_keys == 1 else f"{inferred.sampled_keys:,} keys"
    rows = f" with {inferred.rows:,} entries" if inferred.kind == "streams" else ""
    whole = "all that there are" if inferred.is_complete else f"a sample, seed {inferred.seed}"
    return f"{inferred.kind} {pattern}: {keys}{rows}, {whole}"


def remarks(inferred: InferredSchema) -> list[str]:
    """Say in lines what is not in the table."""
    lines = [f"{shown(each.name)}: {each.note}" for each in inferred.columns if each.note]
    if inferred.partial_keys:
        lines.append(f"too large to be read as a whole: {inferred.partial_keys:,} keys")
    lines += [f"keys left out: {count:,} {what}" for what, count in inferred.left_out.items()]
    lines += [f"no column: {name} {reason}" for name, reason in inferred.omitted.items()]
    return lines


def _percent(share: float | None) -> str:
    # Rounded down: 100 % is said of all only.
    return "" if share is None else f"{int(share * 1000) / 10:g} %"
