"""From an object of options to the keyword arguments of a scan; checks, and what contradicts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from gearframe.exceptions import OptionError

_WHOLE = {"batch_size": 1, "count_hint": 1, "row_index_offset": 0}
_WHOLE_OR_NONE = {"n_rows": 0, "count_per_stream": 1, "count_per_series": 1, "bucket_size_ms": 1}


def number_of_environment(variable: str, otherwise: int) -> int:
    """Read a whole number from 1 out of an environment variable."""
    text = os.environ.get(variable)
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:12]) < 2**31):
        raise OptionError(f"{variable} is {text!r}; expected a whole number from 1 to 2147483647")
    return int(text)


class ScanArguments:
    """What makes an object of options of use: the arguments of the scan it is given to."""

    def to_scan_arguments(self, given: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Give the keyword arguments for the scan of this kind.

        Parameters
        ----------
        given : mapping, optional
            Arguments that the scan was called with beside the options: those that differ from the
            defaults of its signature.

        Returns
        -------
        dict
            One entry for each field of the options, and whatever else was given. ``n_rows``,
            ``projection`` and ``row_index_offset`` are no arguments of the predecessor's scans,
            which ignored them; the scans here obey them.

        Raises
        ------
        OptionError
            For a field that cannot be used, and for an argument that was given as well and differs
            from the options.

        Examples
        --------
        >>> from gearframe.compat.polars_redis import ScanOptions
        >>> ScanOptions("user:*", batch_size=500).with_n_rows(7).to_scan_arguments()
        {'pattern': 'user:*', 'batch_size': 500, 'count_hint': 100, 'n_rows': 7}
        """
        arguments = {each.name: getattr(self, each.name) for each in fields(self)}  # type: ignore[arg-type]
        _check(type(self).__name__, arguments)
        defaults = {each.name: _default(each) for each in fields(self)}  # type: ignore[arg-type]
        for name, value in (given or {}).items():
            is_ours = name in arguments and arguments[name] != defaults[name]
            if is_ours and arguments[name] != value:
                raise OptionError(
                    f"{name} is {value!r} as an argument and {arguments[name]!r} in the "
                    f"{type(self).__name__}; give it in one place"
                )
            arguments[name] = value
        return arguments


def _default(field: Field[Any]) -> object:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def _check(kind: str, arguments: Mapping[str, Any]) -> None:
    for name, value in arguments.items():
        least = _WHOLE.get(name, _WHOLE_OR_NONE.get(name))
        if least is not None and not (value is None and name in _WHOLE_OR_NONE):
            is_whole = isinstance(value, int) and not isinstance(value, bool)
            if not (is_whole and value >= least):
                raise OptionError(f"{kind}.{name} is {value!r}; expected a number from {least}")
        if name.startswith("include_") and not isinstance(value, bool):
            raise OptionError(f"{kind}.{name} is {value!r}; expected True or False")
        if name.endswith("_name") and (not isinstance(value, str) or not value):
            raise OptionError(f"{kind}.{name} is {value!r}; expected the name of a column")
        if name in ("projection", "fields") and value is not None:
            _check_names(f"{kind}.{name}", value)


def _check_names(what: str, names: object) -> None:
    is_list = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
    if not is_list:
        raise OptionError(f"{what} is {names!r}; expected a list of fields")
