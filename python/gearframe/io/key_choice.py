"""Which keys a run asks for: those that match a pattern, or some by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from gearframe.io import glob

if TYPE_CHECKING:
    from gearframe.io.definition import ScanDefinition
    from gearframe.io.pushdown import KeyFilter


@dataclass(frozen=True)
class KeyChoice:
    """The keys of a run.

    Attributes
    ----------
    pattern
        What SCAN's MATCH gets; None when keys are named.
    keys
        Keys that are fetched without a SCAN; empty when none can match.
    pushed, kept
        The conjuncts that narrowed the keys, and those that could not, with the reason.
    """

    pattern: bytes | None
    keys: tuple[bytes, ...] | None
    pushed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class PartChoice:
    """A pattern, and the conjuncts about parts of keys that it comes from."""

    pattern: bytes
    texts: tuple[str, ...] = ()

    @property
    def pushed(self) -> tuple[str, ...]:
        """The same conjuncts, for ``explain``."""
        return tuple(f"{text} → a narrower MATCH" for text in self.texts)


def choose_keys(
    pattern: bytes, keys: tuple[bytes, ...] | None, where: KeyFilter, *, numbers_rows: bool
) -> KeyChoice:
    """Narrow a scan's pattern or keys by what a predicate says about keys."""
    if not where.pushed:
        return KeyChoice(pattern if keys is None else None, keys)
    reason = _obstacle(pattern, keys, where, numbers_rows=numbers_rows)
    if reason is not None:
        kept = tuple(f"{text}: {reason}" for text in where.pushed)
        return KeyChoice(pattern if keys is None else None, keys, kept=kept)
    if where.keys is not None:
        named = _named(pattern, keys, where.keys)
        return _only(named, where, "fetched without SCAN")
    if keys is not None:
        return _only(keys, where, "of those named")
    narrower = _narrowed(pattern, where.prefixes)
    pushed = tuple(f"{text} → a narrower MATCH" for text in where.pushed)
    return KeyChoice(narrower, None if narrower is not None else (), pushed)


def narrow_by_parts(definition: ScanDefinition, where: KeyFilter) -> PartChoice:
    """Narrow the pattern of a scan by what a predicate says about parts of keys.

    Only texts serve: a number may be written in more than one way.
    """
    literals = [glob.escape(literal.encode()) for literal in definition.key_literals]
    takes_apart = bool(literals) and definition.pattern == b"*".join(literals)
    if definition.keys is not None or not takes_apart:
        return PartChoice(definition.pattern)
    parts, texts = [b"*"] * (len(literals) - 1), []
    for comparison in where.comparisons:
        column = definition.column(comparison.column)
        is_text = isinstance(comparison.value, str) and isinstance(column.dtype, pl.String)
        if column.origin == "key_part" and comparison.operator == "==" and is_text:
            parts[column.source["part"]] = glob.escape(comparison.value.encode())
            texts.append(comparison.text)
    pieces = [piece for pair in zip(literals, [*parts, b""], strict=True) for piece in pair]
    return PartChoice(b"".join(pieces), tuple(texts))


def _obstacle(
    pattern: bytes, keys: tuple[bytes, ...] | None, where: KeyFilter, *, numbers_rows: bool
) -> str | None:
    """Say why the keys cannot be narrowed."""
    if numbers_rows:
        # A row's number counts the rows before it: all of them must be read.
        return "the row index counts all rows"
    if keys is not None:
        return None
    if where.keys is not None:
        if not glob.is_portable(pattern):
            return "which bytes the pattern's [...] holds, only the server knows"
        return None
    literal, rest = glob.literal_prefix(pattern)
    longest = max(where.prefixes, key=len)
    if len(longest) > len(literal) and longest.startswith(literal) and rest.strip(b"*"):
        return "the pattern does not end in its only '*', so it cannot be joined with a prefix"
    return None


def _named(
    pattern: bytes, keys: tuple[bytes, ...] | None, named: frozenset[bytes]
) -> tuple[bytes, ...]:
    if keys is not None:
        return tuple(key for key in keys if key in named)
    return tuple(sorted(key for key in named if glob.matches(pattern, key)))


def _only(keys: tuple[bytes, ...], where: KeyFilter, how: str) -> KeyChoice:
    chosen = tuple(key for key in keys if all(key.startswith(p) for p in where.prefixes))
    count = "1 key" if len(chosen) == 1 else f"{len(chosen):,} keys"
    return KeyChoice(None, chosen, tuple(f"{text} → {count} {how}" for text in where.pushed))


def _narrowed(pattern: bytes, prefixes: tuple[bytes, ...]) -> bytes | None:
    """Narrow a pattern that ends in its only star by prefixes; None when nothing can match."""
    literal, rest = glob.literal_prefix(pattern)
    longest = max(prefixes, key=len)
    if not all(longest.startswith(prefix) for prefix in prefixes):
        return None
    shorter = min(len(longest), len(literal))
    if longest[:shorter] != literal[:shorter]:
        return None
    if len(longest) <= len(literal):
        return pattern
    return glob.escape(longest) + b"*" if rest else None
