"""Places in a geo set: adding them, and searching around.

Every function opens one connection and closes it. Members that do not exist are nulls; a frame
has the same columns when it is empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import polars as pl

from gearframe.compat.polars_redis._frame_columns import key_list, number_list
from gearframe.compat.polars_redis._geo_replies import (
    as_list,
    check_point,
    check_unit,
    number,
    point,
)
from gearframe.compat.polars_redis._server import (
    CHUNK,
    Key,
    ask,
    encoded,
    server,
    shown,
    text_column,
    whole,
)
from gearframe.exceptions import OptionError

GeoSort: TypeAlias = Literal["ASC", "DESC"]


@dataclass(frozen=True)
class GeoAddResult:
    """What was added.

    Attributes
    ----------
    added : int
        Members that are new.
    updated : int
        Members that were there, and are in another place now.
    """

    added: int
    updated: int


def geo_add(url: str, key: Key, locations: Sequence[tuple[Key, float, float]]) -> GeoAddResult:
    """Add places to a geo set, or move them.

    Parameters
    ----------
    url : str
        The server.
    key : str or bytes
        The geo set.
    locations : sequence of (member, longitude, latitude)
        In degrees, from -180 to 180 and from -85.05112878 to 85.05112878.

    Returns
    -------
    GeoAddResult

    Raises
    ------
    OptionError
        For what is no place. Before anything is sent.
    ServerConnectionError, ReplyError
        If the server cannot be reached, or refuses. Places of earlier thousands are added.

    Notes
    -----
    Sends for each 1,000 places ``MULTI``, ``GEOADD NX``, ``GEOADD XX CH`` and ``EXEC``: one adds,
    the other moves, and so each can be counted.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> places = [("Palermo", 13.361389, 38.115556), ("Catania", 15.087269, 37.502669)]
    >>> redis.geo_add(gf.connect().url, "sicily", places)
    GeoAddResult(added=2, updated=0)
    """
    return _add(url, key, [_place(number, place) for number, place in enumerate(locations)])


def geo_add_from_dataframe(
    url: str,
    key: Key,
    df: pl.DataFrame,
    member_column: str,
    longitude_column: str,
    latitude_column: str,
) -> GeoAddResult:
    """Add the places of a frame to a geo set, or move them.

    Parameters
    ----------
    url : str
        The server.
    key : str or bytes
        The geo set.
    df : polars.DataFrame
        One row for each place.
    member_column : str
        The column with the members: String or Binary, no nulls.
    longitude_column, latitude_column : str
        The columns with the degrees: numbers, no nulls.

    Returns
    -------
    GeoAddResult

    Raises
    ------
    SchemaError
        If a column is missing or has another dtype.
    OptionError
        For a null, and for what is no place. Before anything is sent.
    ServerConnectionError, ReplyError
        If the server cannot be reached, or refuses.

    Notes
    -----
    Sends what `geo_add` sends.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> df = pl.DataFrame({"name": ["Palermo"], "lon": [13.361389], "lat": [38.115556]})
    >>> redis.geo_add_from_dataframe(gf.connect().url, "towns", df, "name", "lon", "lat").added
    1
    """
    members = key_list(df, member_column)
    east, north = number_list(df, longitude_column), number_list(df, latitude_column)
    places = enumerate(zip(members, east, north, strict=True))
    return _add(url, key, [_place(number, place) for number, place in places])


def geo_radius(
    url: str,
    key: Key,
    longitude: float,
    latitude: float,
    radius: float,
    unit: str = "km",
    *,
    count: int | None = None,
    sort: GeoSort | None = None,
) -> pl.DataFrame:
    """Find the members around a point.

    Parameters
    ----------
    url : str
        The server.
    key : str or bytes
        The geo set.
    longitude, latitude : float
        The point, in degrees.
    radius : float
        How far from it, in ``unit``.
    unit : {"km", "m", "mi", "ft"}, default "km"
        Of the radius and of the distances.
    count : int, optional
        The most members; the nearest ones, unless ``sort="DESC"``.
    sort : {"ASC", "DESC"}, optional
        Nearest first, or farthest first.

    Returns
    -------
    polars.DataFrame
        ``member`` (String; Binary if a member is not UTF-8), ``longitude``, ``latitude`` and
        ``distance`` (Float64, in ``unit``).

    Raises
    ------
    OptionError
        For an argument that cannot be used.
    ServerConnectionError, ReplyError
        If the server cannot be reached, or refuses, such as for a key of another type.

    Notes
    -----
    Sends ``GEOSEARCH FROMLONLAT BYRADIUS WITHDIST WITHCOORD``.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> redis.geo_add(client.url, "cities", [("Rome", 12.5, 41.9), ("Paris", 2.35, 48.86)]).added
    2
    >>> redis.geo_radius(client.url, "cities", 12.0, 42.0, 100)["member"].to_list()
    ['Rome']
    """
    check_point(longitude, latitude, "the point")
    return _search(url, key, ("FROMLONLAT", longitude, latitude), radius, unit, count, sort)


def geo_radius_by_member(
    url: str,
    key: Key,
    member: Key,
    radius: float,
    unit: str = "km",
    *,
    count: int | None = None,
    sort: GeoSort | None = None,
) -> pl.DataFrame:
    """Find the members around a member, which is one of them.

    Parameters
    ----------
    url : str
        The server.
    key : str or bytes
        The geo set.
    member : str or bytes
        Where to look around.
    radius, unit, count, sort
        As for `geo_radius`.

    Returns
    -------
    polars.DataFrame
        As for `geo_radius`.

    Raises
    ------
    OptionError
        For an argument that cannot be used.
    ReplyError
        If the set has no such member; a set that does not exist is empty.
    ServerConnectionError
        If the server cannot be reached.

    Notes
    -----
    Sends ``GEOSEARCH FROMMEMBER BYRADIUS WITHDIST WITHCOORD``.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.geo_radius_by_member(gf.connect().url, "no:such:set", "Rome", 10).columns
    ['member', 'longitude', 'latitude', 'distance']
    """
    origin = encoded(member, "member")
    return _search(url, key, ("FROMMEMBER", origin), radius, unit, count, sort)


def _add(url: str, key: Key, places: list[tuple[float, float, bytes]]) -> GeoAddResult:
    name = encoded(key, "key")
    added = updated = 0
    with server(url) as control:
        for start in range(0, len(places), CHUNK):
            words = [word for place in places[start : start + CHUNK] for word in place]
            with control.pipeline(transaction=True) as pipeline:
                pipeline.execute_command("GEOADD", name, "NX", *words)  # type: ignore[no-untyped-call]
                pipeline.execute_command("GEOADD", name, "XX", "CH", *words)  # type: ignore[no-untyped-call]
                new, moved = pipeline.execute()
            added, updated = added + whole(new), updated + whole(moved)
    return GeoAddResult(added, updated)


def _place(number: int, place: object) -> tuple[float, float, bytes]:
    what = f"locations[{number}]"
    if isinstance(place, str | bytes) or not isinstance(place, Sequence) or len(place) != 3:
        raise OptionError(f"{what} is {place!r}; expected (member, longitude, latitude)")
    member, east, north = place
    name = encoded(member, f"the member of {what}")
    check_point(east, north, f"{what}, {shown(name)!r},")
    return east, north, name


def _search(
    url: str,
    key: Key,
    origin: tuple[str | bytes | float, ...],
    radius: float,
    unit: str,
    count: int | None,
    sort: GeoSort | None,
) -> pl.DataFrame:
    check_unit(unit)
    if isinstance(radius, bool) or not isinstance(radius, int | float) or not 0 <= radius < 1e12:
        raise OptionError(f"radius is {radius!r}; expected a number from 0")
    words: list[str | bytes | float] = ["GEOSEARCH", encoded(key, "key"), *origin]
    words += ["BYRADIUS", radius, unit]
    if sort is not None:
        if not isinstance(sort, str) or sort.upper() not in ("ASC", "DESC"):
            raise OptionError(f"sort is {sort!r}; expected 'ASC', 'DESC' or None")
        words.append(sort.upper())
    if count is not None:
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise OptionError(f"count is {count!r}; expected a whole number from 1, or None")
        words += ["COUNT", count]
    with server(url) as control:
        found = ask(control, *words, "WITHDIST", "WITHCOORD")
    return _places(as_list(found))


def _places(found: list[object]) -> pl.DataFrame:
    members, distances, points = [], [], []
    for item in found:
        member, distance, place = as_list(item)
        members.append(member if isinstance(member, bytes) else None)
        distances.append(number(distance))
        points.append(point(place))
    return pl.DataFrame(
        [
            text_column("member", members),
            pl.Series("longitude", [east for east, _ in points], dtype=pl.Float64),
            pl.Series("latitude", [north for _, north in points], dtype=pl.Float64),
            pl.Series("distance", distances, dtype=pl.Float64),
        ]
    )
