"""What a gear gives, whichever back end runs it.

A back end is tested by a class in ``test_contract.py`` that inherits from `Contract` and has a
fixture ``place``. Functions of gears stand inside of the tests, so that they travel by value.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl
import pytest
import redis

import gearframe as gf
from gearframe.exceptions import GearsError, GearsRunError
from tests.integration.gears.oracle import fill, naive_records

COUNTRIES = ["NL", "DE", "FR", "é"]
USERS = 1_500


class Place(NamedTuple):
    """Where gears are run: the server, and by which back end."""

    url: str
    backend: str


class Contract:
    """The same results on every back end."""

    @pytest.fixture
    def data(self, place: Place) -> Iterator[redis.Redis]:
        with redis.Redis.from_url(place.url, protocol=2) as client:
            pipeline = client.pipeline(transaction=False)
            for i in range(USERS):
                country = COUNTRIES[i * i % len(COUNTRIES)]
                pipeline.hset(f"user:{i}", mapping={"country": country, "age": i % 90, "n": i})
            pipeline.execute()
            yield client

    @pytest.fixture
    def client(self, place: Place) -> Iterator[gf.Client]:
        with gf.connect(place.url) as client:
            yield client

    def run(self, place: Place, client: gf.Client, gear: Any, *args: Any, **options: Any) -> Any:
        result = gear.run(client, *args, backend=place.backend, **options)
        assert result.backend == place.backend
        return result

    # -- readers ------------------------------------------------------------------------------

    def test_records_of_every_type(self, place: Place, client: gf.Client) -> None:
        with redis.Redis.from_url(place.url, protocol=2) as control:
            fill(control)
            expected = naive_records(control, "*")
        found = self.run(place, client, gf.GearsBuilder())
        assert len(found) == len(expected)
        assert {record["key"]: record for record in found} == expected
        for record in found:
            assert type(record) is dict
            assert list(record) == ["key", "value", "type", "event"]
            if record["type"] == "zset":
                key = record["key"]
                assert list(record["value"].items()) == list(expected[key]["value"].items())

    @pytest.mark.parametrize("pattern", ["h*", "big:?", "[lz]*", "nothing:*", "*:*"])
    def test_patterns(self, place: Place, client: gf.Client, pattern: str) -> None:
        with redis.Redis.from_url(place.url, protocol=2) as control:
            fill(control)
            expected = naive_records(control, pattern)
        found = self.run(place, client, gf.GearsBuilder(), pattern)
        assert {record["key"]: record for record in found} == expected

    def test_one_key_by_name(self, place: Place, client: gf.Client, data: redis.Redis) -> None:
        data.set("a*", "star")
        gear = gf.GearsBuilder()
        assert self.run(place, client, gear, "a*", noScan=True)[:] == [
            {"key": "a*", "value": "star", "type": "string", "event": None}
        ]
        assert self.run(place, client, gear, "user:9999", noScan=True)[:] == [
            {"key": "user:9999", "value": None, "type": "empty", "event": None}
        ]

    def test_without_values(self, place: Place, client: gf.Client, data: redis.Redis) -> None:
        found = self.run(place, client, gf.GearsBuilder(), "user:1?", readValue=False)
        assert sorted(found, key=operator.itemgetter("key")) == [
            {"key": f"user:{i}", "event": None} for i in range(10, 20)
        ]

    def test_keys_only(self, place: Place, client: gf.Client, data: redis.Redis) -> None:
        gear = gf.GearsBuilder("KeysOnlyReader")
        found = self.run(place, client, gear, "user:1*", count=10)
        assert set(found) == {f"user:{i}" for i in range(USERS) if str(i).startswith("1")}
        assert self.run(place, client, gear, "user:1", noScan=True)[:] == ["user:1"]
        assert self.run(place, client, gear, "user:x", noScan=True)[:] == []

    def test_a_stream(self, place: Place, client: gf.Client, data: redis.Redis) -> None:
        for i in range(5):
            data.xadd("events", {"n": i}, id=f"{i + 1}-0")
        gear = gf.GearsBuilder("StreamReader").map(lambda x: (x["key"], x["id"], x["value"]["n"]))
        assert self.run(place, client, gear, "events", fromId="2-0")[:] == [
            ("events", f"{i + 1}-0", str(i)) for i in range(2, 5)
        ]

    def test_a_generator_and_the_shards(self, place: Place, client: gf.Client) -> None:
        def numbers() -> Iterator[int]:
            yield from range(10)

        gear = gf.GearsBuilder("PythonReader").map(lambda n: n * n).sort()
        assert self.run(place, client, gear, numbers)[:] == [n * n for n in range(10)]
        assert self.run(place, client, gf.GearsBuilder("ShardsIDReader"))[:] == ["1"]

    # -- operations ---------------------------------------------------------------------------

    def test_countby(self, place: Place, client: gf.Client, data: redis.Redis) -> None:
        gear = gf.GearsBuilder().map(lambda x: x["value"]["country"]).countby()
        found = self.run(place, client, gear, "user:*")
        assert {each["key"]: each["value"] for each in found} == Counter(
            COUNTRIES[i * i % len(COUNTRIES)] for i in range(USERS)
        )
        frame = found.to_frame()
        assert frame.schema == {"key": pl.String, "value": pl.Int64}
        assert frame["value"].sum() == USERS

    def test_filter_and_count(self, place: Place, client: gf.Client, data: redis.Redis) -> None:
        gear = gf.GearsBuilder().filter(lambda x: int(x["value"]["age"]) >= 30).count()
        assert self.run(place, client, gear, "user:*")[:] == [
            sum(i % 90 >= 30 for i in range(USERS))
        ]
        assert self.run(place, client, gear, "nobody:*")[:] == []

    def test_groups(self, place: Place, client: gf.Client, data: redis.Redis) -> None:
        sums: Counter[str] = Counter()
        for i in range(USERS):
            sums[COUNTRIES[i * i % len(COUNTRIES)]] += i

        def country(x: Any) -> Any:
            return x["value"]["country"]

        gears = [
            gf.GearsBuilder().groupby(country, lambda k, a, x: (a or 0) + int(x["value"]["n"])),
            gf.GearsBuilder().localgroupby(
                country, lambda k, a, x: (a or 0) + int(x["value"]["n"])
            ),
            gf.GearsBuilder().batchgroupby(
                country, lambda k, xs: sum(int(x["value"]["n"]) for x in xs)
            ),
            gf.GearsBuilder().aggregateby(
                country, 0, lambda k, a, x: a + int(x["value"]["n"]), lambda k, a, b: a + b
            ),
        ]
        for gear in gears:
            found = self.run(place, client, gear, "user:*")
            assert {each["key"]: each["value"] for each in found} == sums, gear

    def test_totals(self, place: Place, client: gf.Client, data: redis.Redis) -> None:
        def number(x: Any) -> int:
            return int(x["value"]["n"])

        numbers = range(USERS)
        for gear, expected in [
            (gf.GearsBuilder().aggregate(0, lambda a, x: a + number(x), lambda a, b: a + b),
             [sum(numbers)]),
            (gf.GearsBuilder().accumulate(lambda a, x: max(a or 0, number(x))), [USERS - 1]),
            (gf.GearsBuilder().avg(number), [sum(numbers) / USERS]),
            (gf.GearsBuilder().map(lambda x: x["type"]).distinct(), ["hash"]),
            (gf.GearsBuilder().map(number).sort().limit(3), [0, 1, 2]),
            (gf.GearsBuilder().map(number).sort(reverse=False).limit(2, 1),
             [USERS - 2, USERS - 3]),
        ]:  # fmt: skip
            assert self.run(place, client, gear, "user:*")[:] == expected, gear

    def test_flatmap_and_foreach(self, place: Place, client: gf.Client, data: redis.Redis) -> None:
        gear = gf.GearsBuilder().foreach(lambda x: None).flatmap(lambda x: [x["key"], 1])
        found = self.run(place, client, gear.repartition(str), "user:1??")
        assert Counter(found) == Counter([*(f"user:{i}" for i in range(100, 200)), *[1] * 100])

    def test_coroutines(self, place: Place, client: gf.Client, data: redis.Redis) -> None:
        async def age(x: Any) -> Any:
            import asyncio

            await asyncio.sleep(0)
            return x["value"]["age"]

        found = self.run(place, client, gf.GearsBuilder().map(age), "user:1?")
        assert sorted(found) == [str(i) for i in range(10, 20)]

    def test_results_as_texts(self, place: Place, client: gf.Client, data: redis.Redis) -> None:
        gear = gf.GearsBuilder().map(lambda x: {"n": x["value"]["n"]})
        assert self.run(place, client, gear, "user:7", convertToStr=True)[:] == ["{'n': '7'}"]
        assert self.run(place, client, gear, "user:7")[:] == [{"n": "7"}]

    def test_any_object_comes_back(self, place: Place, client: gf.Client) -> None:
        def objects() -> Iterator[Any]:
            yield from [None, (1, {2}), b"\xff", 1.5, "+OK", "-ERR", 2**70]

        found = self.run(place, client, gf.GearsBuilder("PythonReader"), objects)
        assert found[:] == [None, (1, {2}), b"\xff", 1.5, "+OK", "-ERR", 2**70]

    # -- the server from inside of a gear -----------------------------------------------------

    def test_execute(self, place: Place, client: gf.Client, data: redis.Redis) -> None:
        data.rpush("list", "a", b"\xff")
        data.set("text", "x")

        def ask(_: Any) -> list[Any]:
            from gearframe.gears.runtime import current

            execute = current().execute
            return [
                execute("GET", "text"), execute("GET", "gone"), execute("LRANGE", "list", 0, -1),
                execute("SET", "made", 3), execute("HGETALL", "user:1"), execute("DBSIZE"),
                execute("HGETALL", "user:1", protocol=3),
            ]  # fmt: skip

        gear = gf.GearsBuilder("ShardsIDReader").map(ask)
        (found,) = self.run(place, client, gear)
        fields = {"country": COUNTRIES[1], "age": "1", "n": "1"}
        pairs = [each for pair in fields.items() for each in pair]
        assert found == ["x", None, ["a", bytearray(b"\xff")], "OK", pairs, USERS + 3, fields]
        assert data.get("made") == b"3"

    def test_an_error_of_the_server(
        self, place: Place, client: gf.Client, data: redis.Redis
    ) -> None:
        def push(x: Any) -> Any:
            from gearframe.exceptions import GearsError
            from gearframe.gears.runtime import current

            try:
                return current().execute("LPUSH", x["key"], 1)
            except GearsError as error:
                return type(error).__name__, str(error)

        found = self.run(place, client, gf.GearsBuilder().map(push), "user:1")
        text = "WRONGTYPE Operation against a key holding the wrong kind of value"
        assert found[:] == [("GearsError", text)]

    def test_the_surroundings(self, place: Place, client: gf.Client) -> None:
        def look(_: Any) -> Any:
            from gearframe.gears.runtime import current

            runtime = current()
            runtime.log("from a gear", "notice")
            return runtime.hashtag(), runtime.shard_id(), runtime.in_atomic()

        found = self.run(place, client, gf.GearsBuilder("ShardsIDReader").map(look))
        assert found[:] == [("06S", "1", False)]

    # -- errors -------------------------------------------------------------------------------

    def test_records_that_fail(self, place: Place, client: gf.Client, data: redis.Redis) -> None:
        data.hset("user:bad", "n", "x")
        gear = gf.GearsBuilder().map(lambda x: int(x["value"]["n"]))
        with pytest.raises(GearsRunError, match="invalid literal for int") as caught:
            self.run(place, client, gear, "user:*")
        assert caught.value.result is not None
        assert len(caught.value.result.errors) == 1
        kept = self.run(place, client, gear, "user:*", on_error="keep")
        (error,) = kept.errors
        assert "ValueError" in error
        # Reading stops with the batch of the error.
        assert set(kept) <= set(range(USERS))

    def test_a_reader_that_cannot_run(self, place: Place, client: gf.Client) -> None:
        with pytest.raises(GearsError):
            self.run(place, client, gf.GearsBuilder("CommandReader"), "x")
