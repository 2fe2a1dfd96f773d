"""The five questions of the demo.

Each function is shown as it stands: its docstring is the question, its body the code.
"""
# ruff: noqa: D400  a question ends with its own mark

from __future__ import annotations

import inspect
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from gearframe.io.hashes import read_hashes, scan_hashes

if TYPE_CHECKING:
    from collections.abc import Callable

    from gearframe.client import Client


@dataclass(frozen=True)
class Data:
    """What the questions are asked of: LazyFrames over the server, and a small frame in memory."""

    flights: pl.LazyFrame
    weather: pl.LazyFrame
    airlines: pl.DataFrame


FLIGHTS = {
    "carrier": pl.String(),
    "flight": pl.Int32(),
    "tailnum": pl.String(),
    "origin": pl.String(),
    "dest": pl.String(),
    "time_hour": pl.Datetime("us", "UTC"),
    "dep_delay": pl.Int32(),
    "arr_delay": pl.Int32(),
    "distance": pl.Int32(),
}
WEATHER = {"origin": pl.String(), "time_hour": pl.Datetime("us", "UTC"), "precip": pl.Float64()}
AIRLINES = {"carrier": pl.String(), "name": pl.String()}


def open_data(client: Client) -> Data:
    """Scan the flights and the weather, and read the airlines."""
    return Data(
        flights=scan_hashes(client, "flight:*", FLIGHTS),
        weather=scan_hashes(client, "weather:*", WEATHER),
        airlines=read_hashes(client, "airline:*", AIRLINES),
    )


def very_late(data: Data) -> pl.LazyFrame:
    """Which flights left more than 14 hours late?"""
    return (
        data.flights.filter(pl.col("dep_delay") > 14 * 60)
        .select("_key", "carrier", "flight", "origin", "dest", "dep_delay")
        .sort("dep_delay", descending=True)
    )


def waiting(data: Data) -> pl.LazyFrame:
    """At which of New York's airports do passengers wait the longest?"""
    return (
        data.flights.group_by("origin")
        .agg(flights=pl.len(), mean_delay=pl.col("dep_delay").mean().round(1))
        .sort("mean_delay", descending=True)
    )


def punctual(data: Data) -> pl.LazyFrame:
    """Which airlines, by name, arrive early or on time most often?"""
    return (
        data.flights.drop_nulls("arr_delay")
        .group_by("carrier")
        .agg(on_time=(pl.col("arr_delay") <= 0).mean().round(3))
        .join(data.airlines.lazy(), on="carrier")
        .select("name", "on_time")
        .sort("on_time", "name", descending=[True, False])
        .head(5)
    )


def farthest(data: Data) -> pl.LazyFrame:
    """Which ten planes flew the farthest?"""
    return (
        data.flights.drop_nulls("tailnum")
        .group_by("tailnum")
        .agg(flights=pl.len(), miles=pl.col("distance").sum())
        .sort("miles", "tailnum", descending=[True, False])
        .head(10)
    )


def rain(data: Data) -> pl.LazyFrame:
    """How much later do flights leave in the rain?"""
    tables = pl.SQLContext(flights=data.flights, weather=data.weather)
    return tables.execute("""
        SELECT CASE WHEN weather.precip > 0 THEN 'rain' ELSE 'dry' END AS sky,
               COUNT(*) AS flights,
               ROUND(AVG(flights.dep_delay), 1) AS mean_delay
        FROM flights
        JOIN weather ON flights.origin = weather.origin
                    AND flights.time_hour = weather.time_hour
        GROUP BY sky
        ORDER BY mean_delay DESC
    """)


Question: TypeAlias = "Callable[[Data], pl.LazyFrame]"

QUESTIONS: tuple[Question, ...] = (very_late, waiting, punctual, farthest, rain)


def words(question: Question) -> str:
    """Give a question as a person asks it."""
    return inspect.getdoc(question) or ""


def code(question: Question) -> str:
    """Give a question's code, without its head and the brackets around its query."""
    lines = inspect.getsource(question).splitlines()[2:]
    body = textwrap.dedent("\n".join(lines)).removeprefix("return ")
    if body.startswith("(\n"):
        body = textwrap.dedent(body.removeprefix("(\n").removesuffix("\n)"))
    return body.replace("data.", "").replace("\nreturn ", "\n").replace("\n.", "\n    .")
