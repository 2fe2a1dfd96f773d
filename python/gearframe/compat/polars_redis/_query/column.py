"""`Column`: what ``col("name")`` gives, with a method for each kind of condition."""

from __future__ import annotations

import operator
import re
import struct
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import polars as pl

from gearframe.compat.polars_redis._query import syntax
from gearframe.compat.polars_redis._query.client_side import (
    Computed,
    DateExpr,
    InPolars,
    JsonValue,
    array_length,
    similar,
)
from gearframe.compat.polars_redis._query.conditions import (
    LETTER,
    Between,
    Compare,
    Missing,
    Nearest,
    Operator,
    ServerOnly,
    Tags,
    Words,
    open_words,
    pattern,
    whole_words,
)
from gearframe.compat.polars_redis._query.expr import Expr, Not, Parameters, Split, any_of
from gearframe.exceptions import OptionError

_UNITS = ("m", "km", "mi", "ft")


class Column(Expr):
    """A field of the documents; a condition once it is compared."""

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise OptionError(f"name is {name!r}; expected the name of a field")
        self._name = name

    # -- numbers, tags and times -------------------------------------------------------------

    def __gt__(self, value: Any) -> Expr:
        return self._compared(operator.gt, value)

    def __ge__(self, value: Any) -> Expr:
        return self._compared(operator.ge, value)

    def __lt__(self, value: Any) -> Expr:
        return self._compared(operator.lt, value)

    def __le__(self, value: Any) -> Expr:
        return self._compared(operator.le, value)

    def __eq__(self, value: object) -> Expr:  # type: ignore[override]
        return self.is_null() if value is None else self._compared(operator.eq, value)

    def __ne__(self, value: object) -> Expr:  # type: ignore[override]
        return self.is_not_null() if value is None else Not(self._compared(operator.eq, value))

    __hash__ = object.__hash__

    def is_between(self, lower: Any, upper: Any) -> Expr:
        """Whether it is between two values, both included."""
        for value in (lower, upper):
            _check_value(value)
        return Between(self._name, lower, upper)

    def is_in(self, values: Iterable[Any]) -> Expr:
        """Whether it is one of some values."""
        wanted = _values("values", values)
        if all(isinstance(value, str) for value in wanted):
            return Tags(self._name, tuple(wanted), is_list=False)
        return any_of(*(self._compared(operator.eq, value) for value in wanted))

    def has_tag(self, tag: str) -> Expr:
        """Whether a tag is among those of the field."""
        return self.has_any_tag([tag])

    def has_any_tag(self, tags: Sequence[str]) -> Expr:
        """Whether one of some tags is among those of the field."""
        wanted = _values("tags", tags)
        if not all(isinstance(tag, str) for tag in wanted):
            raise OptionError(f"tags is {tags!r}; expected a list of texts")
        return Tags(self._name, tuple(wanted), is_list=True)

    def is_null(self) -> Expr:
        """Whether the document lacks the field, which must be indexed with INDEXMISSING."""
        return Missing(self._name)

    def is_not_null(self) -> Expr:
        """Whether the document has the field, which must be indexed with INDEXMISSING."""
        return Not(Missing(self._name))

    # -- words of a text ---------------------------------------------------------------------

    def contains(self, text: str) -> Expr:
        """Whether all words of a text are in the field, in any order.

        RediSearch 2.10 makes one word of two with only a line break between them.
        """
        return Words((self._name,), *whole_words(text))

    def starts_with(self, prefix: str) -> Expr:
        """Whether a word starts so; of several words, the last may go on."""
        return Words((self._name,), *open_words(prefix, before=False, after=True))

    def ends_with(self, suffix: str) -> Expr:
        """Whether a word ends so; of several words, more may stand before the first."""
        return Words((self._name,), *open_words(suffix, before=True, after=False))

    def contains_substring(self, substring: str) -> Expr:
        """Whether this is inside of a word."""
        return Words((self._name,), *open_words(substring, before=True, after=True))

    def matches(self, pattern: str) -> Expr:
        """Whether a word matches a pattern with ``*`` and ``?``."""
        return self._wildcard(pattern)

    def matches_exact(self, pattern: str) -> Expr:
        """Do the same as `matches`."""
        return self._wildcard(pattern)

    def fuzzy(self, term: str, distance: int = 1) -> Expr:
        """Whether a word is at most 1, 2 or 3 letters from each word of the term."""
        if isinstance(distance, bool) or distance not in (1, 2, 3):
            raise OptionError(f"distance is {distance!r}; expected 1, 2 or 3")
        tokens, _ = whole_words(term)
        signs = "%" * distance
        return Words((self._name,), tuple(f"{signs}{each}{signs}" for each in tokens), None)

    def phrase(self, *words: str, slop: int | None = None, inorder: bool | None = None) -> Expr:
        """Whether the words stand one behind the other; with ``slop``, this many others between.

        Without ``inorder=True`` a phrase with ``slop`` may stand in any order. RediSearch counts
        a document with all words in this field, whose phrase is in another, as well.
        """
        tokens, patterns = whole_words(" ".join(words))
        if slop is None and inorder is None:
            joined = f"{syntax.SEPARATOR_CLASS}+".join(_bare(each) for each in patterns)
            return Words((self._name,), (f'"{" ".join(tokens)}"',), (pattern(joined),))
        if slop is not None and (isinstance(slop, bool) or not isinstance(slop, int) or slop < 0):
            raise OptionError(f"slop is {slop!r}; expected a whole number from 0")
        settings = [f"$slop: {slop};"] * (slop is not None)
        settings += [f"$inorder: {str(bool(inorder)).lower()};"] * (inorder is not None)
        return Words((self._name,), tokens, None, f" => {{ {' '.join(settings)} }}")

    # -- places and vectors ------------------------------------------------------------------

    def within_radius(self, lon: float, lat: float, radius: float, unit: str = "km") -> Expr:
        """Whether a place is at most so far from a point."""
        if unit not in _UNITS:
            raise OptionError(f"unit is {unit!r}; expected one of {', '.join(_UNITS)}")
        numbers = " ".join(_plain_number(each) for each in (lon, lat, radius))
        return ServerOnly(f"{self._at}:[{numbers} {unit}]", "a search by radius")

    def within_polygon(self, points: Sequence[tuple[float, float]]) -> Expr:
        """Whether a shape is inside of a polygon of (longitude, latitude); its WKT is a PARAM."""
        ring = [(_plain_number(east), _plain_number(north)) for east, north in points]
        if ring and ring[0] != ring[-1]:
            ring.append(ring[0])
        if len(ring) < 4:
            raise OptionError(f"points is {points!r}; expected at least three corners")
        shape = f"POLYGON(({', '.join(' '.join(point) for point in ring)}))"
        return ServerOnly(f"{self._at}:[WITHIN $poly]", "a search by polygon", "poly", shape)

    def knn(
        self,
        k: int,
        vector_param: str = "query_vec",
        *,
        vector: bytes | Sequence[float] | None = None,
    ) -> Expr:
        """Ask for the ``k`` nearest of all that fits the conditions beside it.

        ``vector`` becomes the PARAM of this name: bytes as they are, numbers as FLOAT32. Without
        it the caller adds the PARAM, see `missing_params`.
        """
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise OptionError(f"k is {k!r}; expected a whole number from 1")
        return Nearest(self._name, k, _parameter(vector_param), _vector(vector))

    def vector_range(
        self,
        radius: float,
        vector_param: str = "query_vec",
        *,
        vector: bytes | Sequence[float] | None = None,
    ) -> Expr:
        """Whether a vector is at most so far from another; ``vector`` as for `knn`."""
        name = _parameter(vector_param)
        text = f"{self._at}:[VECTOR_RANGE {_plain_number(radius)} ${name}]"
        return ServerOnly(text, "a search by distance of vectors", name, _vector(vector))

    # -- what Polars answers -----------------------------------------------------------------

    def matches_regex(self, pattern: str) -> Expr:
        """Whether a regular expression finds something in the text. In Polars."""
        return InPolars(self._text_column.contains(_text("pattern", pattern)))

    def icontains(self, text: str) -> Expr:
        """Whether this is anywhere in the text, in any case. In Polars."""
        lower = _text("text", text).lower()
        return InPolars(self._text_column.to_lowercase().str.contains(lower, literal=True))

    def iequals(self, value: str) -> Expr:
        """Whether the text is this, in any case. In Polars."""
        return InPolars(self._text_column.to_lowercase() == _text("value", value).lower())

    def contains_any(self, substrings: Sequence[str]) -> Expr:
        """Whether one of these is anywhere in the text. In Polars."""
        wanted = [_text("substrings", each) for each in _values("substrings", substrings)]
        return InPolars(self._text_column.contains_any(wanted))

    def similar_to(self, text: str, threshold: float = 0.8) -> Expr:
        """Whether enough of the text is the same, as difflib measures it. In Polars."""
        return similar(self._name, _text("text", text), threshold)

    def as_date(self) -> DateExpr:
        """Compare it as a date. In Polars."""
        return DateExpr(self._name, is_datetime=False)

    def as_datetime(self) -> DateExpr:
        """Compare it as a date and time, in UTC. In Polars."""
        return DateExpr(self._name, is_datetime=True)

    def array_contains(self, value: Any) -> Expr:
        """Whether a List column has this element. In Polars."""
        return InPolars(pl.col(self._name).list.contains(value))

    def array_len(self) -> Computed:
        """Compare the number of elements of a List column. In Polars."""
        return array_length(self._name)

    def json_path(self, path: str) -> Computed:
        """Compare what JSONPath finds in a column of JSON text. In Polars."""
        return JsonValue(self._name, _text("path", path))

    # ----------------------------------------------------------------------------------------

    @property
    def _at(self) -> str:
        return f"@{syntax.field(self._name)}"

    @property
    def _text_column(self) -> Any:
        return pl.col(self._name).str

    def _compared(self, compare: Operator, value: Any) -> Expr:
        _check_value(value)
        return Compare(self._name, compare, value)

    def _wildcard(self, glob: str) -> Expr:
        if not _text("pattern", glob) or not syntax.is_sendable(glob):
            raise OptionError(f"pattern is {glob!r}; expected text with * and ?")
        return Words((self._name,), (syntax.wildcard(glob),), (pattern(_glob(glob)),))

    def _text(self, params: Parameters) -> NoReturn:
        raise OptionError(f"col({self._name!r}) alone is no condition; compare it with something")

    def _polars(self) -> NoReturn:
        self._text({})

    def _split(self) -> Split:
        self._text({})

    def __repr__(self) -> str:
        return f"col({self._name!r})"

    __str__ = __repr__


class MultiFieldExpr:
    """Several fields whose texts are searched together."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._names = tuple(fields)

    def contains(self, text: str) -> Expr:
        """Whether each word of a text is in one of the fields."""
        return Words(self._names, *whole_words(text))

    def starts_with(self, prefix: str) -> Expr:
        """Whether a word of one of the fields starts so."""
        return Words(self._names, *open_words(prefix, before=False, after=True))


def _check_value(value: object) -> None:
    if value is None:
        raise OptionError("nothing is less, more or equal to None; use is_null()")
    if isinstance(value, Expr | Computed | pl.Expr):
        raise OptionError(f"{value!r} is no value; a field can be compared with values only")
    if syntax.is_number(value):
        syntax.number(value)


def _values(name: str, values: Iterable[Any]) -> list[Any]:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise OptionError(f"{name} is {values!r}; expected a list: [{values!r}]")
    return list(values)


def _text(name: str, text: object) -> str:
    if not isinstance(text, str):
        raise OptionError(f"{name} is {text!r}; expected a text")
    return text


def _plain_number(value: Any) -> str:
    if not syntax.is_number(value):
        raise OptionError(f"{value!r} is no number")
    return syntax.number(value)


def _parameter(name: str) -> str:
    if not isinstance(name, str) or not name.isidentifier() or not name.isascii():
        raise OptionError(f"vector_param is {name!r}; expected a name of letters, digits and _")
    return name


def _vector(vector: bytes | Sequence[float] | None) -> bytes:
    if vector is None:
        return b""
    if isinstance(vector, bytes):
        return vector
    try:
        return struct.pack(f"<{len(vector)}f", *vector)
    except (struct.error, TypeError, OverflowError) as error:
        raise OptionError(f"vector is not bytes and not a list of numbers: {error}") from None


def _bare(word_pattern: str) -> str:
    """Take the borders of a word off its regular expression."""
    start, end = pattern("\0").split("\0")
    return word_pattern.removeprefix(start).removesuffix(end)


def _glob(glob: str) -> str:
    each = {"*": f"{LETTER}*", "?": LETTER}
    return "".join(each.get(character) or re.escape(character) for character in glob)
