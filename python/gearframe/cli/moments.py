"""Times and lengths of time as a person types them."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

from gearframe.exceptions import OptionError

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_LENGTH = re.compile(r"(\d{1,15})(ms|s|m|h|d)?")
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def moment_of(option: str, text: str) -> str | datetime:
    """Read a date or a time in ISO 8601, UTC if it has no zone; another text stays.

    Examples
    --------
    >>> moment_of("--start", "2024-02-29T10:00"), moment_of("--start", "1700000000000")
    (datetime.datetime(2024, 2, 29, 10, 0, tzinfo=datetime.timezone.utc), '1700000000000')
    """
    if _DAY.match(text) is None:
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise OptionError(
            f"{option} is {text!r}, which is no time ({error}); write, for instance, 2024-02-29 "
            "or 2024-02-29T10:00"
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def id_of(option: str, text: str) -> str:
    """Read the id of an entry; a time is one without its sequence.

    Examples
    --------
    >>> id_of("--start", "1970-01-01T00:00:01"), id_of("--end", "(5-3")
    ('1000', '(5-3')
    """
    moment = moment_of(option, text)
    if isinstance(moment, str):
        return moment
    milliseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) / _UNITS["ms"]
    return str(math.ceil(milliseconds) if option == "--start" else math.floor(milliseconds))


def length_of(option: str, text: str) -> timedelta:
    """Read a length of time.

    Examples
    --------
    >>> length_of("--bucket", "15m"), length_of("--bucket", "500")
    (datetime.timedelta(seconds=900), datetime.timedelta(microseconds=500000))
    """
    matched = _LENGTH.fullmatch(text)
    try:
        if matched is not None:
            return int(matched[1]) * _UNITS[matched[2] or "ms"]
    except OverflowError:
        pass  # longer than all of time: told like any other text that cannot be read
    raise OptionError(f"{option} is {text!r}; expected a length such as 500ms, 30s, 15m, 1h or 1d")
