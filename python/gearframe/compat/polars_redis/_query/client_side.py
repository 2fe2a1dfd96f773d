"""The conditions that no index answers: they are expressions of Polars from the start."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import SequenceMatcher
from functools import reduce
from typing import Any, TypeAlias

import polars as pl

from gearframe.compat.polars_redis._query.expr import Expr, Parameters, Split
from gearframe.exceptions import OptionError

Operator: TypeAlias = Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False, repr=False)
class InPolars(Expr):
    """An expression of Polars as a condition."""

    expression: pl.Expr

    def _text(self, params: Parameters) -> str:
        raise OptionError(f"RediSearch cannot answer {self.expression}")

    def _polars(self) -> pl.Expr:
        return self.expression

    def _split(self) -> Split:
        return None, self


class Computed:
    """Something computed of a field, to be compared; all of it in Polars."""

    def __init__(self, expression: pl.Expr, convert: Callable[[Any], Any]) -> None:
        self._expression = expression
        self._convert = convert

    def __gt__(self, value: Any) -> Expr:
        return self._compared(operator.gt, value)

    def __ge__(self, value: Any) -> Expr:
        return self._compared(operator.ge, value)

    def __lt__(self, value: Any) -> Expr:
        return self._compared(operator.lt, value)

    def __le__(self, value: Any) -> Expr:
        return self._compared(operator.le, value)

    def __eq__(self, value: object) -> Expr:  # type: ignore[override]
        return self._compared(operator.eq, value)

    def __ne__(self, value: object) -> Expr:  # type: ignore[override]
        return self._compared(operator.ne, value)

    __hash__ = object.__hash__

    def is_between(self, lower: Any, upper: Any) -> Expr:
        """Whether it is between two values, both included."""
        return self._compared(operator.ge, lower) & self._compared(operator.le, upper)

    def is_in(self, values: Sequence[Any]) -> Expr:
        """Whether it is one of some values."""
        each = (self._compared(operator.eq, value).to_polars() for value in values)
        return InPolars(reduce(operator.or_, each, pl.lit(value=False)))

    def _compared(self, compare: Operator, value: Any) -> Expr:
        return InPolars(compare(self._expression, pl.lit(self._convert(value))))


class DateExpr(Computed):
    """A field as a date, or as a date and time, in UTC."""

    def __init__(self, name: str, *, is_datetime: bool) -> None:
        read, dtype = (_datetimes, pl.Datetime("us")) if is_datetime else (_dates, pl.Date())
        column = pl.col(name).map_batches(read, return_dtype=dtype)
        super().__init__(column, _datetime_of if is_datetime else _date_of)

    def year(self) -> Computed:
        """The year."""
        return Computed(self._expression.dt.year(), _whole)

    def month(self) -> Computed:
        """The month, from 1."""
        return Computed(self._expression.dt.month(), _whole)

    def day(self) -> Computed:
        """The day of the month, from 1."""
        return Computed(self._expression.dt.day(), _whole)

    def weekday(self) -> Computed:
        """The day of the week: Monday is 1, Sunday is 7."""
        return Computed(self._expression.dt.weekday(), _whole)

    def hour(self) -> Computed:
        """The hour; 0 of a date."""
        return Computed(self._expression.cast(pl.Datetime("us")).dt.hour(), _whole)

    def minute(self) -> Computed:
        """The minute; 0 of a date."""
        return Computed(self._expression.cast(pl.Datetime("us")).dt.minute(), _whole)


def array_length(name: str) -> Computed:
    """Give the number of elements of a List column."""
    return Computed(pl.col(name).list.len(), _whole)


class JsonValue(Computed):
    """What JSONPath finds in a column of JSON text: a text; a number, against a number."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(pl.col(name).str.json_path_match(path), _json_text)

    def _compared(self, compare: Operator, value: Any) -> Expr:
        if isinstance(value, int | float) and not isinstance(value, bool):
            found = self._expression.cast(pl.Float64, strict=False)
            return InPolars(compare(found, pl.lit(float(value))))
        return super()._compared(compare, value)


def similar(name: str, text: str, threshold: float) -> Expr:
    """Tell how much of a text is the same as another, from 0 to 1, and whether it is enough."""
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise OptionError(f"threshold is {threshold!r}; expected a number from 0 to 1")
    if not 0 <= threshold <= 1:
        raise OptionError(f"threshold is {threshold!r}; expected a number from 0 to 1")

    def judge(column: pl.Series) -> pl.Series:
        verdicts = [
            None if value is None else SequenceMatcher(None, value, text).ratio() >= threshold
            for value in column
        ]
        return pl.Series(column.name, verdicts, dtype=pl.Boolean)

    return InPolars(pl.col(name).map_batches(judge, return_dtype=pl.Boolean()))


def _dates(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        days = [None if text is None else _date_of(text[:10]) for text in column]
        return pl.Series(column.name, days, dtype=pl.Date)
    return column.cast(pl.Date)


def _datetimes(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if dtype == pl.String:
        moments = [None if text is None else _datetime_of(text) for text in column]
        return pl.Series(column.name, moments, dtype=pl.Datetime("us"))
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(pl.Datetime("us"))


def _date_of(value: Any) -> date:
    if isinstance(value, datetime) or not isinstance(value, str | date):
        raise OptionError(f"{value!r} is no date; expected a text such as '2024-02-29'")
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError as error:
        raise OptionError(f"{value!r} is no date: {error}") from None


def _datetime_of(value: Any) -> datetime:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, str | datetime):
        raise OptionError(f"{value!r} is no time; expected a text such as '2024-02-29T12:00:00'")
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError as error:
        raise OptionError(f"{value!r} is no time: {error}") from None
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise OptionError(f"{value!r} is no whole number")
    return value


def _json_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise OptionError(f"{value!r} cannot be compared with a value of JSON; give text or a number")
