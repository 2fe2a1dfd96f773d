"""The conditions that an index answers: numbers, tags, words, places, vectors, missing fields."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import polars as pl

from gearframe.compat.polars_redis._query import syntax
from gearframe.compat.polars_redis._query.expr import Around, Everything, Expr, Parameters, Split
from gearframe.exceptions import OptionError

Operator: TypeAlias = Callable[[Any, Any], Any]

_RANGES: dict[Operator, str] = {
    operator.gt: "[({0} +inf]",
    operator.ge: "[{0} +inf]",
    operator.lt: "[-inf ({0}]",
    operator.le: "[-inf {0}]",
    operator.eq: "[{0} {0}]",
}


LETTER = f"[^{syntax.SEPARATOR_CLASS[1:-1]}]"
"""A regular expression for what separates no words."""


@dataclass(frozen=True, eq=False, repr=False)
class Compare(Expr):
    """A field against a value. Texts that are not equal to it, and times, are left to Polars."""

    name: str
    operator: Operator
    value: Any

    def _text(self, params: Parameters) -> str:
        if syntax.is_number(self.value):
            searched = _RANGES[self.operator].format(syntax.number(self.value))
        else:
            text = self.value if isinstance(self.value, str) else str(self.value).lower()
            searched = f"{{{syntax.tag(text)}}}"
        return f"@{syntax.field(self.name)}:{searched}"

    def _polars(self) -> pl.Expr:
        found: pl.Expr = self.operator(pl.col(self.name), pl.lit(self.value))
        return found

    def _split(self) -> Split:
        if syntax.is_number(self.value):
            return self, None
        is_tag = isinstance(self.value, bool) or (
            isinstance(self.value, str) and syntax.is_sendable(self.value)
        )
        return (self, None) if self.operator is operator.eq and is_tag else (None, self)


@dataclass(frozen=True, eq=False, repr=False)
class Between(Expr):
    """A field between two values, both included."""

    name: str
    lower: Any
    upper: Any

    def _text(self, params: Parameters) -> str:
        lower, upper = syntax.number(self.lower), syntax.number(self.upper)
        return f"@{syntax.field(self.name)}:[{lower} {upper}]"

    def _polars(self) -> pl.Expr:
        return pl.col(self.name).is_between(pl.lit(self.lower), pl.lit(self.upper))

    def _split(self) -> Split:
        is_range = syntax.is_number(self.lower) and syntax.is_number(self.upper)
        return (self, None) if is_range else (None, self)


@dataclass(frozen=True, eq=False, repr=False)
class Tags(Expr):
    """A field that has one of some tags; or, for Polars, that equals one of them."""

    name: str
    tags: tuple[str, ...]
    is_list: bool

    def _text(self, params: Parameters) -> str:
        name = syntax.field(self.name)
        if not self.tags:
            # There is no text for "nothing": a tag that must and must not be there.
            return f"(@{name}:{{0}} -@{name}:{{0}})"
        return f"@{name}:{{{'|'.join(map(syntax.tag, self.tags))}}}"

    def _polars(self) -> pl.Expr:
        if not self.is_list:
            return pl.col(self.name).is_in(list(self.tags))
        tags = [tag.strip().lower() for tag in self.tags]
        parts = pl.col(self.name).str.to_lowercase().str.split(",")
        return parts.list.eval(pl.element().str.strip_chars().is_in(tags)).list.any()

    def _split(self) -> Split:
        return (self, None) if all(map(syntax.is_sendable, self.tags)) else (None, self)


@dataclass(frozen=True, eq=False, repr=False)
class Words(Expr):
    """Words that must all be in the text of a field, or of one of several fields."""

    names: tuple[str, ...]
    tokens: tuple[str, ...]
    """As the query has them."""
    patterns: tuple[str, ...] | None
    """The same as regular expressions; None if there is none."""
    attributes: str = ""

    def _text(self, params: Parameters) -> str:
        names = "|".join(map(syntax.field, self.names))
        is_one = len(self.tokens) == 1 and not self.attributes
        words = self.tokens[0] if is_one else f"({' '.join(self.tokens)})"
        return f"@{names}:{words}{self.attributes}"

    def _operand(self, params: Parameters) -> str:
        text = self._text(params)
        return f"({text})" if self.attributes else text

    def _polars(self) -> pl.Expr:
        if self.patterns is None:
            raise server_only("a fuzzy match, or a phrase with slop or order,")
        found = pl.lit(value=True)
        for pattern in self.patterns:
            found &= pl.any_horizontal(pl.col(name).str.contains(pattern) for name in self.names)
        return found


@dataclass(frozen=True, eq=False, repr=False)
class ServerOnly(Expr):
    """A text that Polars has no expression for."""

    text: str
    what: str
    parameter: str | None = None
    value: str | bytes = b""

    def _text(self, params: Parameters) -> str:
        if self.parameter is None:
            return self.text
        name, number = self.parameter, 1
        while name in params and params[name] != self.value:
            number += 1
            name = f"{self.parameter}{number}"
        params[name] = self.value
        return self.text.replace(f"${self.parameter}", f"${name}")

    def _polars(self) -> pl.Expr:
        raise server_only(self.what)


@dataclass(frozen=True, eq=False, repr=False)
class Raw(Expr):
    """A query as the caller wrote it."""

    query: str

    def _text(self, params: Parameters) -> str:
        return self.query

    def _operand(self, params: Parameters) -> str:
        return f"({self.query})"

    def _polars(self) -> pl.Expr:
        raise server_only("a raw query")


@dataclass(frozen=True, eq=False, repr=False)
class Missing(Expr):
    """A field that a document lacks."""

    name: str

    def _text(self, params: Parameters) -> str:
        return f"ismissing(@{syntax.field(self.name)})"

    def _polars(self) -> pl.Expr:
        return pl.col(self.name).is_null()


@dataclass(frozen=True, eq=False, repr=False)
class Nearest(Around):
    """The documents with the nearest vectors, of all that the conditions before it leave."""

    name: str
    k: int
    parameter: str
    vector: bytes
    before: Expr | None = None

    def around(self, before: Expr | None) -> Expr:
        """Make the same with other conditions before it."""
        return Nearest(self.name, self.k, self.parameter, self.vector, before)

    def _text(self, params: Parameters) -> str:
        searched = "*" if self.before is None else f"({self.before._text(params)})"
        params[self.parameter] = self.vector
        return f"{searched}=>[KNN {self.k} @{syntax.field(self.name)} ${self.parameter}]"

    def _polars(self) -> pl.Expr:
        raise server_only("a search for the nearest vectors")

    def _split(self) -> Split:
        if self.before is None:
            return self, None
        server, client = self.before._split()
        if isinstance(server, Everything):
            server = None
        return self.around(server), client


def whole_words(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the words of a text for the query, and as regular expressions."""
    found, plain = _some_words(text)
    return tuple(map(syntax.word, found)), tuple(pattern(re.escape(word)) for word in plain)


def open_words(text: str, *, before: bool, after: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Do the same where more may stand before the first word, or after the last."""
    found, plain = _some_words(text)
    tokens, patterns = list(map(syntax.word, found)), list(map(re.escape, plain))
    if before:
        tokens[0], patterns[0] = f"*{tokens[0]}", f"{LETTER}*{patterns[0]}"
    if after:
        tokens[-1], patterns[-1] = f"{tokens[-1]}*", f"{patterns[-1]}{LETTER}*"
    return tuple(tokens), tuple(map(pattern, patterns))


def pattern(inside: str) -> str:
    """Make the regular expression of something that is a word of a text."""
    return f"(?i)(?:^|{syntax.SEPARATOR_CLASS}){inside}(?:$|{syntax.SEPARATOR_CLASS})"


def server_only(what: str) -> OptionError:
    """Make the error for what Polars has no expression for."""
    return OptionError(
        f"{what} can be answered by RediSearch only; do not put it under | or ~ with conditions "
        "for Polars"
    )


def _some_words(text: str) -> tuple[list[str], list[str]]:
    if not isinstance(text, str):
        raise OptionError(f"the text to look for is {text!r}; expected a str")
    found, plain = syntax.words(text), syntax.plain_words(text)
    if not found or not plain:
        raise OptionError(f"{text!r} has no word to search for; icontains() looks for any text")
    return found, plain
