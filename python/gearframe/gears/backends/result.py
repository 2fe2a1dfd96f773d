"""What a gear that was run from a client has given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import polars as pl

_SHOWN = 10
_WIDTH = 100


class GearsResult(Sequence[Any]):
    """The results of a gear: a sequence of Python objects.

    Attributes
    ----------
    errors : list of str
        One text for each record that failed; only with ``on_error="keep"`` is there one.
    backend : {"module", "local"}
        Where it was run.
    seconds : float
        How long it took, as the client sees it.

    Examples
    --------
    >>> client = gf.connect()
    >>> client.execute("MSET", "n:1", "7", "n:2", "seven")
    b'OK'
    >>> gear = gf.GearsBuilder().map(lambda record: int(record["value"]))
    >>> result = gear.run(client, "n:*", on_error="keep")
    >>> result[:], len(result), result.backend, len(result.errors)
    ([7], 1, 'module', 1)
    """

    def __init__(
        self, results: Sequence[Any], errors: Sequence[str], *, backend: str, seconds: float
    ) -> None:
        self._results = list(results)
        self.errors = list(errors)
        self.backend = backend
        self.seconds = seconds

    @overload
    def __getitem__(self, place: int) -> Any: ...

    @overload
    def __getitem__(self, place: slice) -> list[Any]: ...

    def __getitem__(self, place: int | slice) -> Any:
        return self._results[place]

    def __len__(self) -> int:
        return len(self._results)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, GearsResult):
            return self._results == other._results and self.errors == other.errors
        return self._results == other

    __hash__ = None  # type: ignore[assignment]  # like a list

    def __repr__(self) -> str:
        lines = [_cut(repr(each)) for each in self._results[:_SHOWN]]
        if len(self) > _SHOWN:
            lines.append(f"… {len(self) - _SHOWN:,} more")
        lines += [f"error: {_cut(_last_line(error))}" for error in self.errors[:_SHOWN]]
        if len(self.errors) > _SHOWN:
            lines.append(f"… {len(self.errors) - _SHOWN:,} more errors")
        count = f"{len(self):,} result" + "s" * (len(self) != 1)
        head = f"<GearsResult: {count}, {self.backend}, {self.seconds:.3f} s>"
        return "\n  ".join([head, *lines])

    def to_frame(self) -> pl.DataFrame:
        """Make a DataFrame of the results.

        Returns
        -------
        polars.DataFrame
            Where all results are dicts with texts as keys, a column for each key; else one column
            ``value``. Objects that Polars has no dtype for make a column of dtype Object.

        Examples
        --------
        >>> client = gf.connect()
        >>> client.execute("MSET", "a:1", "x", "b:1", "y", "a:2", "x")
        b'OK'
        >>> gear = gf.GearsBuilder().countby(lambda record: record["value"])
        >>> gear.run(client).to_frame().sort("key").rows()
        [('x', 2), ('y', 1)]
        """
        import polars as pl

        if self._results and all(map(_is_row, self._results)):
            names = dict.fromkeys(name for row in self._results for name in row)
            columns = {name: [row.get(name) for row in self._results] for name in names}
        else:
            columns = {"value": self._results}
        return pl.DataFrame([_series(name, values) for name, values in columns.items()])


def _is_row(result: object) -> bool:
    return isinstance(result, dict) and all(isinstance(name, str) for name in result)


def _series(name: str, values: list[Any]) -> pl.Series:
    import polars as pl

    try:
        return pl.Series(name, values)
    except (TypeError, pl.exceptions.PolarsError):  # of several types
        return pl.Series(name, values, dtype=pl.Object)


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
