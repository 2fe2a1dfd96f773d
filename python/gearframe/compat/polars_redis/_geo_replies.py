"""What the geo functions share: units, points, and the replies of RESP2."""

from __future__ import annotations

import redis

from gearframe.exceptions import OptionError

_UNITS = ("m", "km", "mi", "ft")
_MOST_EAST, _MOST_NORTH = 180.0, 85.05112878


def check_point(east: object, north: object, what: str) -> None:
    """Refuse what is no place that a geo set can have."""
    limits = (("longitude", east, _MOST_EAST), ("latitude", north, _MOST_NORTH))
    for name, degrees, most in limits:
        if isinstance(degrees, bool) or not isinstance(degrees, int | float):
            raise OptionError(f"the {name} of {what} is {degrees!r}; expected degrees, a number")
        if not -most <= degrees <= most:
            raise OptionError(
                f"the {name} of {what} is {degrees!r}; expected degrees from -{most} to {most}"
            )


def check_unit(unit: str) -> None:
    """Refuse what is no unit of the server."""
    if unit not in _UNITS:
        raise OptionError(f"unit is {unit!r}; expected one of {', '.join(_UNITS)}")


def as_list(reply: object) -> list[object]:
    """Give a reply that is an array."""
    if not isinstance(reply, list):
        raise redis.InvalidResponse(f"expected a list, not {reply!r}")
    return reply


def point(reply: object) -> tuple[float | None, float | None]:
    """Give the longitude and the latitude; nulls for a member that is not there."""
    if reply is None:
        return None, None
    east, north = as_list(reply)
    return number(east), number(north)


def number(reply: object) -> float | None:
    """Give a number, which RESP2 sends as text."""
    if reply is None:
        return None
    if not isinstance(reply, bytes):
        raise redis.InvalidResponse(f"expected a number, not {reply!r}")
    return float(reply)
