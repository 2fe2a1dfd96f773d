"""The options that all writes share: their names, their defaults, their values checked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from gearframe.exceptions import OptionError
from gearframe.io.options import check_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

IfExists: TypeAlias = Literal["replace", "fail", "append"]
OnFailure: TypeAlias = Literal["raise", "report"]
Ttl: TypeAlias = int | timedelta | str | None

# About 31,700 years. What Redis refuses starts at 2**63 ms, and it does so after the value is
# written.
LONGEST_TTL_MS = 10**15
TTL_RANGE = "a time from 1 ms to 31,000 years"

# Of fields, Redis keeps the moment in 46 bits of milliseconds, and refuses more after the values
# are written.
LONGEST_FIELD_TTL_MS = 6 * 10**13
FIELD_TTL_RANGE = "a time from 1 ms to 1,900 years"


class WriteOptions(TypedDict, total=False):
    """Keyword arguments that every write takes; ``write_hashes`` says what each means."""

    key: str
    key_prefix: str | bytes
    if_exists: IfExists
    ttl: Ttl
    on_failure: OnFailure
    batch_size: int
    progress: bool


_DEFAULTS = WriteOptions(
    key="_key",
    key_prefix="",
    if_exists="replace",
    ttl=None,
    on_failure="raise",
    batch_size=50_000,
    progress=False,
)


def complete(function: str, options: Mapping[str, object], own: tuple[str, ...]) -> WriteOptions:
    """Check the options of a write, and fill the defaults in.

    ``own`` are the names that the function takes besides, for the message.
    """
    unknown = options.keys() - _DEFAULTS.keys()
    if unknown:
        raise TypeError(
            f"unexpected keyword argument {sorted(unknown)[0]!r}; {function} takes "
            f"{', '.join((*own, *_DEFAULTS))}"
        )
    given: WriteOptions = {**_DEFAULTS, **options}  # type: ignore[typeddict-item]
    if given["if_exists"] not in ("replace", "fail", "append"):
        raise OptionError(
            f"if_exists is {given['if_exists']!r}; expected 'replace', 'fail' or 'append'"
        )
    if given["on_failure"] not in ("raise", "report"):
        raise OptionError(f"on_failure is {given['on_failure']!r}; expected 'raise' or 'report'")
    if not isinstance(given["key_prefix"], str | bytes):
        raise OptionError(f"key_prefix is {given['key_prefix']!r}; expected a text or bytes")
    if not isinstance(given["key"], str):
        raise OptionError(f"key is {given['key']!r}; expected the name of the column with the keys")
    check_whole("batch_size", given["batch_size"], least=1)
    return given


def fixed_ttl(
    name: str, ttl: object, *, longest: int = LONGEST_TTL_MS, wanted: str = TTL_RANGE
) -> int:
    """Give the milliseconds of an expiry that is the same for all rows."""
    if isinstance(ttl, timedelta):
        milliseconds = ttl // timedelta(milliseconds=1)
    elif isinstance(ttl, int) and not isinstance(ttl, bool):
        milliseconds = ttl * 1000
    else:
        raise OptionError(
            f"{name} is {ttl!r}; expected whole seconds, a timedelta, or the name of a column"
        )
    if not 0 < milliseconds <= longest:
        raise OptionError(f"{name} is {ttl!r}; expected {wanted}, or None for no expiry")
    return milliseconds
