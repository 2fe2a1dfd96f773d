"""Geo sets on both servers; what is right is measured by hand."""

from __future__ import annotations

import math

import polars as pl
import pytest

from gearframe.compat import polars_redis as shim
from gearframe.exceptions import OptionError, ReplyError, SchemaError
from tests.integration.commandstats import counted

ODD = b"\xffport"
TOWNS = [("Palermo", 13.361389, 38.115556), ("Catania", 15.087269, 37.502669), (ODD, 13.5, 38.0)]
NEAR = {
    "member": pl.String,
    "longitude": pl.Float64,
    "latitude": pl.Float64,
    "distance": pl.Float64,
}


def kilometres(a, b):
    """The haversine formula with the server's radius of the earth."""
    east, north, east2, north2 = map(math.radians, (*a[1:], *b[1:]))
    part = math.sin((north2 - north) / 2) ** 2
    part += math.cos(north) * math.cos(north2) * math.sin((east2 - east) / 2) ** 2
    return 2 * 6372.797560856 * math.asin(math.sqrt(part))


@pytest.fixture
def towns(url):
    assert shim.geo_add(url, "towns", TOWNS) == shim.GeoAddResult(3, 0)
    return "towns"


def test_geo_add_counts_what_is_new_and_what_has_moved(url, towns):
    moved = [("Palermo", 13.0, 38.0), TOWNS[1], ("Enna", 14.27, 37.56)]
    assert shim.geo_add(url, towns, moved) == shim.GeoAddResult(1, 1)
    assert shim.geo_add(url, towns, moved) == shim.GeoAddResult(0, 0)
    assert shim.geo_add(url, b"none", []) == shim.GeoAddResult(0, 0)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (("x", 181, 0), "longitude of .* 'x'"),
        (("x", 0, 86), "latitude"),
        (("x", math.nan, 0), "longitude"),
        (("x", 0, None), "latitude"),
        ((None, 0, 0), "member"),
        (("x", 0), "expected"),
        ("xyz", "expected"),
    ],
)
def test_what_is_no_place_is_refused_before_anything_is_sent(url, redis_client, place, words):
    with pytest.raises(OptionError, match=words):
        shim.geo_add(url, "towns", [("ok", 1, 1), place])
    assert redis_client.exists("towns") == 0


def test_geo_add_from_dataframe(url, redis_client):
    frame = pl.DataFrame(
        {"m": [f"p{n}" for n in range(2500)], "x": range(2500), "y": [1.5] * 2500}
    ).with_columns(pl.col("x") / 100)
    result = shim.geo_add_from_dataframe(url, "many", frame, "m", "x", "y")
    assert result == shim.GeoAddResult(2500, 0)
    assert redis_client.zcard("many") == 2500
    with pytest.raises(SchemaError, match="no column 'z'"):
        shim.geo_add_from_dataframe(url, "many", frame, "m", "x", "z")
    with pytest.raises(SchemaError, match="numbers"):
        shim.geo_add_from_dataframe(url, "many", frame, "m", "x", "m")


def test_geo_radius(url, towns):
    near = shim.geo_radius(url, towns, 15, 37, 200, sort="ASC")
    assert near["member"].to_list() == [b"Catania", ODD, b"Palermo"]
    assert near["distance"].to_list() == pytest.approx(
        [kilometres(("", 15, 37), t) for t in (TOWNS[1], TOWNS[2], TOWNS[0])], rel=1e-4
    )
    assert near["longitude"][0] == pytest.approx(15.087269, abs=1e-5)
    assert near["latitude"][0] == pytest.approx(37.502669, abs=1e-5)
    farthest = shim.geo_radius(url, towns, 15, 37, 200_000, "m", sort="DESC", count=1)
    assert farthest["member"].to_list() == ["Palermo"]
    assert farthest.schema == NEAR
    assert shim.geo_radius(url, towns, 15, 37, 60, count=2)["member"].to_list() == ["Catania"]


def test_nothing_near_has_the_same_columns(url, towns):
    assert shim.geo_radius(url, towns, -100, 0, 1).schema == NEAR
    assert shim.geo_radius(url, "none", 0, 0, 1).schema == NEAR
    assert shim.geo_radius_by_member(url, "none", "x", 1).schema == NEAR


def test_geo_radius_by_member(url, towns):
    near = shim.geo_radius_by_member(url, towns, "Palermo", 30, sort="ASC")
    assert near["member"].to_list() == [b"Palermo", ODD]
    assert near["distance"][0] == 0
    with pytest.raises(ReplyError, match="member"):
        shim.geo_radius_by_member(url, towns, "nowhere", 30)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((0, 0, -1), {}),
        ((0, 0, math.nan), {}),
        ((0, 0, 1, "miles"), {}),
        ((0, 0, 1), {"count": 0}),
        ((0, 0, 1), {"sort": "up"}),
        ((200, 0, 1), {}),
    ],
)
def test_arguments_that_cannot_be_used(url, arguments, options):
    with pytest.raises(OptionError):
        shim.geo_radius(url, "towns", *arguments, **options)


def test_geo_dist(url, towns):
    distance = shim.geo_dist(url, towns, "Palermo", "Catania")
    assert distance == pytest.approx(kilometres(*TOWNS[:2]), rel=1e-4)
    assert shim.geo_dist(url, towns, "Palermo", "Catania", "m") == pytest.approx(1000 * distance)
    assert shim.geo_dist(url, towns, ODD, "nowhere") is None
    assert shim.geo_dist(url, "none", "a", "b") is None


def test_geo_pos_and_geo_hash(url, towns):
    positions = shim.geo_pos(url, towns, ["Catania", "nowhere"])
    assert positions["member"].to_list() == ["Catania", "nowhere"]
    assert positions["longitude"].to_list() == [pytest.approx(15.087269, abs=1e-5), None]
    assert positions["latitude"].to_list() == [pytest.approx(37.502669, abs=1e-5), None]
    hashes = shim.geo_hash(url, towns, ["Palermo", "nowhere"])
    assert hashes.rows() == [("Palermo", "sqc8b49rny0"), ("nowhere", None)]
    empty = {"member": pl.String, "longitude": pl.Float64, "latitude": pl.Float64}
    assert shim.geo_pos(url, towns, []).schema == empty
    assert shim.geo_hash(url, towns, []).schema == {"member": pl.String, "geohash": pl.String}


def test_geo_dist_matrix(url, towns, redis_client):
    with counted(redis_client) as calls:
        matrix = shim.geo_dist_matrix(url, towns, ["Palermo", "nowhere", "Catania"], "km")
    assert calls == {"geodist": 6}
    far = pytest.approx(kilometres(*TOWNS[:2]), rel=1e-4)
    assert matrix.rows() == [
        ("Palermo", 0.0, None, far),
        ("nowhere", None, None, None),
        ("Catania", far, None, 0.0),
    ]
    assert shim.geo_dist_matrix(url, towns, []).schema == {"member": pl.String}
    missing = shim.geo_dist_matrix(url, "none", ["a"])
    assert missing.schema == {"member": pl.String, "a": pl.Float64}


@pytest.mark.parametrize("members", [["a", "a"], ["member"], [ODD]])
def test_members_that_cannot_name_columns(url, members):
    with pytest.raises(SchemaError):
        shim.geo_dist_matrix(url, "towns", members)


def test_a_key_of_another_type(url, redis_client):
    redis_client.set("text", "x")
    for refused in (
        lambda: shim.geo_add(url, "text", TOWNS),
        lambda: shim.geo_radius(url, "text", 0, 0, 1),
        lambda: shim.geo_pos(url, "text", ["a"]),
        lambda: shim.geo_dist_matrix(url, "text", ["a"]),
    ):
        with pytest.raises(ReplyError, match=r"WRONGTYPE|wrong kind"):
            refused()
