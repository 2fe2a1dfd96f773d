"""`Expr`, and how conditions are combined: and, or, not, boosted, optional.

A condition splits into what the index can answer and what is left for Polars: the two together
are the condition itself, so that nothing is lost, and nothing is asked for as ``*``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import TypeAlias

import polars as pl

from gearframe.exceptions import OptionError

Parameters: TypeAlias = dict[str, str | bytes]
Split: TypeAlias = "tuple[Expr | None, Expr | None]"


class Expr(ABC):
    r"""A condition on documents, made by `col`, `cols`, `raw`; combined with ``&``, ``|``, ``~``.

    Each comparison needs parentheses: ``(col("age") > 30) & (col("city") == "Rome")``.

    Attributes
    ----------
    dialect : int
        The DIALECT that its text is written for: 2.

    Examples
    --------
    >>> from gearframe.compat.polars_redis import col
    >>> query = (col("age") > 30) & col("email").matches_regex(r"@example\.org$")
    >>> query.get_server_filter().to_redis()
    '@age:[(30 +inf]'
    >>> print(query.get_client_filter().to_polars())
    col("email").str.contains(["@example\.org$"])
    """

    dialect = 2

    def __and__(self, other: Expr) -> Expr:
        return every(self, _condition(other))

    def __or__(self, other: Expr) -> Expr:
        return any_of(*_parts(self, AnyOf), *_parts(_condition(other), AnyOf))

    def __invert__(self) -> Expr:
        return self.inner if isinstance(self, Not) else Not(self)

    def __bool__(self) -> bool:
        msg = "a condition is neither true nor false here: combine with & | ~, not and, or, not"
        raise OptionError(msg)

    __hash__ = object.__hash__

    def not_(self) -> Expr:
        """Negate it, as ``~`` does."""
        return ~self

    def boost(self, weight: float) -> Expr:
        """Let it count more, or less, in the score; it filters the same.

        Parameters
        ----------
        weight : float
            A factor from 0.
        """
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not weight >= 0:
            raise OptionError(f"weight is {weight!r}; expected a number from 0")
        return Boosted(self, weight)

    def optional(self) -> Expr:
        """Let it count in the score and filter nothing."""
        return Optional(self)

    def to_redis(self) -> str:
        """Give the text of the query, for FT.SEARCH with DIALECT 2.

        Returns
        -------
        str
            Where `params` has entries, they go with it.

        Raises
        ------
        OptionError
            If a part of it can be answered by Polars only: `get_server_filter` gives the rest,
            and `get_client_filter` that part.
        """
        _, client = self._split()
        if client is not None:
            raise OptionError(
                f"RediSearch cannot answer this part: {_in_polars(client)}; ask for "
                "get_server_filter() and filter the rows by get_client_filter().to_polars()"
            )
        return self._text({})

    @property
    def params(self) -> Parameters:
        """The PARAMS that `to_redis` needs: polygons, and vectors that were given."""
        found: Parameters = {}
        self._text(found)
        return {name: value for name, value in found.items() if value != b""}

    @property
    def missing_params(self) -> list[str]:
        """The names of PARAMS that the caller has to add: vectors that were not given."""
        found: Parameters = {}
        self._text(found)
        return [name for name, value in found.items() if value == b""]

    @property
    def is_client_side(self) -> bool:
        """Whether a part of it can be answered by Polars only."""
        return self._split()[1] is not None

    def get_server_filter(self) -> Expr | None:
        """Give what RediSearch can answer: it finds all documents that fit, maybe others.

        Returns
        -------
        Expr or None
            None if RediSearch can answer no part of it: all documents have to be read.
        """
        return self._split()[0]

    def get_client_filter(self) -> Expr | None:
        """Give what is left to filter by in Polars.

        Returns
        -------
        Expr or None
            None if RediSearch answers all of it.
        """
        return self._split()[1]

    def to_polars(self) -> pl.Expr:
        """Give the whole condition as an expression of Polars.

        Returns
        -------
        polars.Expr
            Words of texts are compared without case and without stems.

        Raises
        ------
        OptionError
            If Polars cannot answer it: fuzzy, phrases with slop, geo, vectors, raw queries.
        """
        return self._polars()

    def explain(self) -> str:
        """Tell who answers what.

        Returns
        -------
        str
            A line for RediSearch and one for Polars, as far as they have a part.
        """
        server, client = self._split()
        asked = "*  (all documents)" if server is None else server.to_redis()
        lines = [f"RediSearch: {asked}"]
        if client is not None:
            lines.append(f"Polars filter: {_in_polars(client)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.explain()

    def __repr__(self) -> str:
        try:
            return f"<{type(self).__name__} {self.explain()!r}>"
        except OptionError as error:
            return f"<{type(self).__name__} that cannot be asked for: {error}>"

    @abstractmethod
    def _text(self, params: Parameters) -> str:
        """Write the query, and put what it needs into the parameters."""

    @abstractmethod
    def _polars(self) -> pl.Expr:
        """Make the expression, or raise `OptionError`."""

    def _split(self) -> Split:
        """Give the part of the server and the part of the client."""
        return self, None

    def _operand(self, params: Parameters) -> str:
        """Write the query so that it can stand between others."""
        return self._text(params)


@dataclass(frozen=True, eq=False, repr=False)
class Everything(Expr):
    """All documents."""

    def _text(self, params: Parameters) -> str:
        return "*"

    def _operand(self, params: Parameters) -> str:
        raise OptionError("'*' cannot be combined with other conditions in this place")

    def _polars(self) -> pl.Expr:
        return pl.lit(value=True)


@dataclass(frozen=True, eq=False, repr=False)
class All(Expr):
    """Conditions that must all hold."""

    parts: tuple[Expr, ...]

    def _text(self, params: Parameters) -> str:
        return " ".join(part._operand(params) for part in self.parts)

    def _operand(self, params: Parameters) -> str:
        return f"({self._text(params)})"

    def _polars(self) -> pl.Expr:
        return reduce(and_, (part._polars() for part in self.parts))

    def _split(self) -> Split:
        splits = [part._split() for part in self.parts]
        server = [part for part, _ in splits if part is not None]
        client = [part for _, part in splits if part is not None]
        return every(*server) if server else None, every(*client) if client else None


@dataclass(frozen=True, eq=False, repr=False)
class AnyOf(Expr):
    """Conditions of which one must hold."""

    parts: tuple[Expr, ...]

    def _text(self, params: Parameters) -> str:
        return " | ".join(part._operand(params) for part in self.parts)

    def _operand(self, params: Parameters) -> str:
        return f"({self._text(params)})"

    def _polars(self) -> pl.Expr:
        return reduce(or_, (part._polars() for part in self.parts))

    def _split(self) -> Split:
        splits = [part._split() for part in self.parts]
        if all(client is None for _, client in splits):
            return self, None
        server = [part for part, _ in splits if part is not None]
        # What one branch cannot narrow, the whole cannot: all documents have to be read.
        return any_of(*server) if len(server) == len(splits) else None, self


@dataclass(frozen=True, eq=False, repr=False)
class Not(Expr):
    """A condition that must not hold; a document without the field fits."""

    inner: Expr

    def _text(self, params: Parameters) -> str:
        text = self.inner._operand(params)
        return f"-({text})" if text.startswith("~") else f"-{text}"

    def _polars(self) -> pl.Expr:
        return ~self.inner._polars()

    def _split(self) -> Split:
        # A superset negated is too small: the server helps with all of it or with nothing.
        return (self, None) if self.inner._split()[1] is None else (None, self)


@dataclass(frozen=True, eq=False, repr=False)
class Boosted(Expr):
    """A condition with a weight."""

    inner: Expr
    weight: float

    def _text(self, params: Parameters) -> str:
        return f"({self.inner._operand(params)}) => {{ $weight: {float(self.weight)!r}; }}"

    def _operand(self, params: Parameters) -> str:
        return f"({self._text(params)})"

    def _polars(self) -> pl.Expr:
        return self.inner._polars()

    def _split(self) -> Split:
        server, client = self.inner._split()
        return None if server is None else Boosted(server, self.weight), client


@dataclass(frozen=True, eq=False, repr=False)
class Optional(Expr):
    """A condition for the score only."""

    inner: Expr

    def _text(self, params: Parameters) -> str:
        return f"~{self.inner._operand(params)}"

    def _polars(self) -> pl.Expr:
        return pl.lit(value=True)

    def _split(self) -> Split:
        server, _ = self.inner._split()
        return None if server is None else Optional(server), None


def every(*conditions: Expr) -> Expr:
    """Combine conditions that must all hold; a search for nearest vectors goes around them."""
    parts = [part for each in conditions for part in _parts(each, All)]
    outer = [part for part in parts if isinstance(part, Around)]
    inner = [part for part in parts if not isinstance(part, Around | Everything)]
    if len(outer) > 1:
        raise OptionError("a query can have one knn() only")
    if outer:
        before = [] if outer[0].before is None else [outer[0].before]
        return outer[0].around(_joined([*before, *inner]))
    joined = _joined(inner)
    return Everything() if joined is None else joined


def any_of(*conditions: Expr) -> Expr:
    """Combine conditions of which one must hold."""
    if any(isinstance(each, Everything) for each in conditions):
        return Everything()
    return conditions[0] if len(conditions) == 1 else AnyOf(conditions)


class Around(Expr):
    """A condition that takes all others with it into its own text."""

    before: Expr | None

    @abstractmethod
    def around(self, before: Expr | None) -> Expr:
        """Make the same with other conditions before it."""

    def _operand(self, params: Parameters) -> str:
        raise OptionError("knn() finds the nearest of all that fits: combine it with & only")


def _joined(parts: list[Expr]) -> Expr | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return All(tuple(parts))


def _parts(condition: Expr, kind: type[All] | type[AnyOf]) -> tuple[Expr, ...]:
    return condition.parts if isinstance(condition, kind) else (condition,)


def _condition(other: object) -> Expr:
    if not isinstance(other, Expr):
        raise OptionError(f"{other!r} is no condition; expected one made by col(), cols(), raw()")
    return other


def _in_polars(client: Expr) -> str:
    try:
        return str(client._polars())
    except OptionError as error:
        return f"not possible ({error})"
