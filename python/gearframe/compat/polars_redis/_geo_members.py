"""Members of a geo set: where they are, and how far from each other.

Every function opens one connection and closes it. Members that do not exist are nulls; a frame
has the same columns when it is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations_with_replacement

import polars as pl
import redis

from gearframe.compat.polars_redis._geo_replies import as_list, check_unit, number, point
from gearframe.compat.polars_redis._server import (
    CHUNK,
    Key,
    accepted,
    ask,
    encoded,
    encoded_all,
    replies,
    server,
    shown,
    text,
    text_column,
)
from gearframe.exceptions import SchemaError


def geo_dist(url: str, key: Key, member1: Key, member2: Key, unit: str = "km") -> float | None:
    """Measure the distance between two members.

    Parameters
    ----------
    url : str
        The server.
    key : str or bytes
        The geo set.
    member1, member2 : str or bytes
        The members.
    unit : {"km", "m", "mi", "ft"}, default "km"
        Of the distance.

    Returns
    -------
    float or None
        None if a member, or the set, does not exist.

    Raises
    ------
    OptionError
        For an argument that cannot be used.
    ServerConnectionError, ReplyError
        If the server cannot be reached, or refuses.

    Notes
    -----
    Sends ``GEODIST``; the server rounds to four digits.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> print(redis.geo_dist(gf.connect().url, "no:such:set", "Rome", "Paris"))
    None
    """
    check_unit(unit)
    name = encoded(key, "key")
    first, second = encoded(member1, "member1"), encoded(member2, "member2")
    with server(url) as control:
        return number(ask(control, "GEODIST", name, first, second, unit))


def geo_pos(url: str, key: Key, members: Sequence[Key]) -> pl.DataFrame:
    """Tell where members are.

    Parameters
    ----------
    url : str
        The server.
    key : str or bytes
        The geo set.
    members : sequence of str or bytes
        The members.

    Returns
    -------
    polars.DataFrame
        ``member`` (String; Binary if a member is not UTF-8), ``longitude`` and ``latitude``
        (Float64; null for a member that does not exist), in the order given.

    Raises
    ------
    OptionError
        For what is no member. Before anything is sent.
    ServerConnectionError, ReplyError
        If the server cannot be reached, or refuses.

    Notes
    -----
    Sends ``GEOPOS`` for each 1,000 members.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.geo_pos(gf.connect().url, "no:such:set", ["Rome"]).row(0)
    ('Rome', None, None)
    """
    names = encoded_all(members, "members")
    with server(url) as control:
        found = _of_members(control, "GEOPOS", encoded(key, "key"), names)
    east, north = zip(*map(point, found), strict=True) if found else ((), ())
    return pl.DataFrame(
        [
            text_column("member", names),
            pl.Series("longitude", east, dtype=pl.Float64),
            pl.Series("latitude", north, dtype=pl.Float64),
        ]
    )


def geo_hash(url: str, key: Key, members: Sequence[Key]) -> pl.DataFrame:
    """Give the geohashes of members.

    Parameters
    ----------
    url : str
        The server.
    key : str or bytes
        The geo set.
    members : sequence of str or bytes
        The members.

    Returns
    -------
    polars.DataFrame
        ``member`` (String; Binary if a member is not UTF-8) and ``geohash`` (String, 11
        characters; null for a member that does not exist), in the order given.

    Raises
    ------
    OptionError
        For what is no member. Before anything is sent.
    ServerConnectionError, ReplyError
        If the server cannot be reached, or refuses.

    Notes
    -----
    Sends ``GEOHASH`` for each 1,000 members.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> redis.geo_hash(gf.connect().url, "no:such:set", ["Rome"]).row(0)
    ('Rome', None)
    """
    names = encoded_all(members, "members")
    with server(url) as control:
        found = _of_members(control, "GEOHASH", encoded(key, "key"), names)
    hashes = [text(value, "a geohash") for value in found]
    return pl.DataFrame(
        [text_column("member", names), pl.Series("geohash", hashes, dtype=pl.String)]
    )


def geo_dist_matrix(url: str, key: Key, members: Sequence[Key], unit: str = "km") -> pl.DataFrame:
    """Measure the distances between all members.

    Parameters
    ----------
    url : str
        The server.
    key : str or bytes
        The geo set.
    members : sequence of str or bytes
        The members; each once, in UTF-8, as their names are those of columns.
    unit : {"km", "m", "mi", "ft"}, default "km"
        Of the distances.

    Returns
    -------
    polars.DataFrame
        ``member`` (String), and for each member a column with the distances to it (Float64; null
        where one of the two does not exist).

    Raises
    ------
    SchemaError
        For members that cannot name columns. Before anything is sent.
    OptionError
        For another argument that cannot be used. Before anything is sent.
    ServerConnectionError, ReplyError
        If the server cannot be reached, or refuses.

    Notes
    -----
    Sends ``GEODIST`` for each pair and for each member with itself, in pipelines of 1,000: 5,050
    for 100 members.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> client = gf.connect()
    >>> redis.geo_add(client.url, "capitals", [("Rome", 12.5, 41.9), ("Paris", 2.35, 48.86)]).added
    2
    >>> redis.geo_dist_matrix(client.url, "capitals", ["Rome", "Paris"]).columns
    ['member', 'Rome', 'Paris']
    """
    check_unit(unit)
    set_name, names = encoded(key, "key"), encoded_all(members, "members")
    columns = _column_names(names)
    pairs = list(combinations_with_replacement(range(len(names)), 2))
    matrix: list[list[float | None]] = [[None] * len(names) for _ in names]
    with server(url) as control:
        commands = (("GEODIST", set_name, names[i], names[j], unit) for i, j in pairs)
        for (i, j), reply in zip(pairs, replies(control, commands), strict=True):
            matrix[i][j] = matrix[j][i] = number(accepted(reply))
    distances = [
        pl.Series(column, values, dtype=pl.Float64)
        for column, values in zip(columns, matrix, strict=True)
    ]
    return pl.DataFrame([pl.Series("member", columns, dtype=pl.String), *distances])


def _of_members(
    control: redis.Redis, command: str, key: bytes, members: list[bytes]
) -> list[object]:
    found: list[object] = []
    for start in range(0, len(members), CHUNK):
        found += as_list(ask(control, command, key, *members[start : start + CHUNK]))
    return found


def _column_names(members: Iterable[bytes]) -> list[str]:
    names: list[str] = []
    for member in members:
        name = shown(member)
        if not isinstance(name, str):
            raise SchemaError(f"member {name!r} is not UTF-8 and cannot name a column")
        if name == "member" or name in names:
            raise SchemaError(f"member {name!r} would name two columns; leave it out")
        names.append(name)
    return names
