"""The dtype of JSON values: unified over many documents, with numbers kept as they are written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

import polars as pl

from gearframe.exceptions import SchemaError
from gearframe.infer.candidates import DATES, INTEGERS, Candidate, is_float
from gearframe.infer.table import shown
from gearframe.schema import check_characters

_MOST_MEMBERS = 256
_DATE_LIKE = re.compile(r"-?[0-9]{4,}-[0-9]{2}-[0-9]{2}.{0,40}")
_FLOAT_WORDS = {"NaN", "Infinity", "-Infinity"}


class Number(str):
    """A number as it is written: a float would lose digits."""

    __slots__ = ()


class Object(dict[str, object]):
    """A JSON object."""


def parse_json(text: bytes) -> object:
    """Parse JSON text; `Number` for numbers.

    Raises
    ------
    ValueError
        If it is not JSON in UTF-8.
    """
    try:
        return json.loads(
            text.decode(),
            parse_int=Number,
            parse_float=Number,
            parse_constant=_refuse,
            object_pairs_hook=Object,
        )
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def _refuse(word: str) -> object:
    raise ValueError(f"{word} is not JSON")


class Shape:
    """What values at one place of many documents are, all in all."""

    def __init__(self) -> None:
        self.values = 0
        self.booleans = 0
        self.numbers: dict[Number, None] = {}
        self.strings: dict[str, None] = {}
        self.has_text = False
        self.elements: Shape | None = None
        self.members: dict[str, Shape] | None = None

    def add(self, value: object) -> None:
        """Take one more value into account."""
        if value is None:
            return
        self.values += 1
        match value:
            case bool():
                self.booleans += 1
            case Number():
                self.numbers[value] = None
            case str():
                self._add_string(value)
            case dict():
                self.members = {} if self.members is None else self.members
                for name, member in value.items():
                    self.members.setdefault(name, Shape()).add(member)
            case list():
                self.elements = Shape() if self.elements is None else self.elements
                for element in value:
                    self.elements.add(element)

    def _add_string(self, text: str) -> None:
        # Only dates have to be kept; the texts of documents would fill the memory.
        if text in _FLOAT_WORDS or (_DATE_LIKE.fullmatch(text) and not self.has_text):
            self.strings[text] = None
        else:
            self.has_text = True

    def dtype(self, *, whole: bool) -> pl.DataType | None:
        """Choose the dtype that takes all values.

        Parameters
        ----------
        whole : bool
            Whether a member that no dtype takes spoils the Struct. If not, the Struct lacks it.

        Returns
        -------
        pl.DataType or None
            None if there is none. String where all are null.
        """
        kinds = [
            bool(self.booleans),
            bool(self.numbers),
            bool(self.strings) or self.has_text,
            self.elements is not None,
            self.members is not None,
        ]
        match kinds:
            case [False, False, False, False, False]:
                return pl.String()
            case [True, False, False, False, False]:
                return pl.Boolean()
            case [False, True, _, False, False]:
                return self._number()
            case [False, False, True, False, False]:
                return self._string()
            case [False, False, False, True, False]:
                return self._list(whole)
            case [False, False, False, False, True]:
                return self._struct(whole)
            case _:
                return None

    def _number(self) -> pl.DataType | None:
        if self.has_text or not self.strings.keys() <= _FLOAT_WORDS:
            return None
        numbers = [number.encode() for number in self.numbers]
        if is_float([*numbers, *(word.encode() for word in self.strings)]):
            return pl.Float64()
        if self.strings:
            return None
        return _first(INTEGERS, numbers)

    def _string(self) -> pl.DataType:
        if self.has_text:
            return pl.String()
        return _first(DATES, [text.encode() for text in self.strings]) or pl.String()

    def _list(self, whole: bool) -> pl.DataType | None:
        inner = self.elements.dtype(whole=whole) if self.elements else None
        return None if inner is None else pl.List(inner)

    def _struct(self, whole: bool) -> pl.DataType | None:
        fields: dict[str, pl.DataType] = {}
        for name, member in (self.members or {}).items():
            dtype = member.dtype(whole=whole) if can_be_name(name) else None
            if dtype is not None:
                fields[name] = dtype
            elif whole:
                return None
        return pl.Struct(fields) if 0 < len(fields) <= _MOST_MEMBERS else None

    def omitted(self, path: str) -> Iterator[str]:
        """Name the members below that a Struct lacks, for no dtype takes them."""
        for name, member in (self.members or {}).items():
            place = f"{path}.{name}"
            if not can_be_name(name) or member.dtype(whole=False) is None:
                yield shown(place)
            else:
                yield from member.omitted(place)
        if self.elements is not None:
            yield from self.elements.omitted(f"{path}[]")


def _first(candidates: Iterable[Candidate], texts: list[bytes]) -> pl.DataType | None:
    for candidate in candidates:
        if candidate.taken(texts) == len(texts):
            return candidate.dtype
    return None


def can_be_name(name: str) -> bool:
    """Tell whether a column or a field of a Struct can be called so."""
    try:
        check_characters(name)
    except SchemaError:
        return False
    return True


def json_text(value: object) -> str:
    """Write a value as JSON again, numbers as they were."""
    match value:
        case Number():
            return str(value)
        case str():
            return value
        case dict():
            members = (f"{json.dumps(name)}: {_inner(member)}" for name, member in value.items())
            return f"{{{', '.join(members)}}}"
        case list():
            return f"[{', '.join(map(_inner, value))}]"
        case _:
            return json.dumps(value)


def _inner(value: object) -> str:
    is_text = isinstance(value, str) and not isinstance(value, Number)
    return json.dumps(value, ensure_ascii=False) if is_text else json_text(value)


def json_dtype(texts: Iterable[bytes]) -> pl.DataType | None:
    """Choose the nested dtype of JSON texts; None if they are no objects or arrays of one shape.

    Examples
    --------
    >>> json_dtype([b'[1, 2]', b'[]']), json_dtype([b'{"a": 1}', b'{"a": "x"}'])
    (List(Int64), None)
    """
    shape = Shape()
    try:
        for text in texts:
            shape.add(parse_json(text))
    except ValueError:
        return None
    dtype = shape.dtype(whole=True)
    return dtype if isinstance(dtype, (pl.List, pl.Struct)) else None
