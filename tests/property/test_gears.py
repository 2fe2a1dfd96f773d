"""Random plans, against the same steps done naively, one record at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gearframe.gears.builder import GB
from tests.gears_runtime import outcome

# Neither deadline nor health checks: they measure the machine.
PATIENT = settings(deadline=None, suppress_health_check=list(HealthCheck))

Step = tuple[str, tuple[Any, ...]]


def fails(record: Any) -> bool:
    return isinstance(record, int) and record % 7 == 3


def checked(record: Any) -> Any:
    """Some records fail in every function."""
    if fails(record):
        raise ValueError(f"failed on {record}")
    return record


def number(record: Any) -> int:
    return record if isinstance(record, int) else len(str(record))


def twice(record: Any) -> Any:
    return number(checked(record)) * 2 + 1


def is_even(record: Any) -> bool:
    return number(checked(record)) % 2 == 0


def up_to(record: Any) -> Any:
    return list(range(number(checked(record)) % 4))


def last_digit(record: Any) -> Any:
    return number(checked(record)) % 3


def add(a: Any, r: Any) -> Any:
    return (a or 0) + number(checked(r))


def times(a: Any, r: Any) -> Any:
    return a * number(checked(r))


def add_of(k: str, a: Any, r: Any) -> Any:
    return add(a, r) + len(k)


def sum_of(k: str, records: list[Any]) -> Any:
    return (k, sum(number(checked(r)) for r in records))


STEPS: list[Step] = [
    ("map", (twice,)),
    ("map", (checked,)),
    ("filter", (is_even,)),
    ("flatmap", (up_to,)),
    ("foreach", (checked,)),
    ("groupby", (last_digit, add_of)),
    ("localgroupby", (last_digit, add_of)),
    ("batchgroupby", (last_digit, sum_of)),
    ("aggregate", (2, add, add)),
    ("aggregateby", (last_digit, 1, add_of, lambda k, a, r: a + r)),
    ("aggregate", (1, times, add)),
    ("aggregateby", (last_digit, 1, lambda k, a, r: times(a, r), lambda k, a, r: a + r)),
    ("accumulate", (add,)),
    ("count", ()),
    ("countby", (last_digit,)),
    ("avg", (lambda r: float(number(checked(r))),)),
    ("repartition", (last_digit,)),
    ("collect", ()),
    ("sort", ()),
]


class Oracle:
    """The operations as RedisGears has them, written as simply as can be."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def run(self, steps: list[Step], batches: Iterator[list[Any]]) -> list[Any]:
        flowing = self.read(batches)
        for name, arguments in steps:
            flowing = getattr(self, name)(flowing, *arguments)
        return list(flowing)

    def read(self, batches: Iterator[list[Any]]) -> Iterator[Any]:
        for batch in batches:
            yield from batch
            if self.errors:
                return

    def tried(self, function: Callable[..., Any], *arguments: Any) -> tuple[bool, Any]:
        try:
            return True, function(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the record's error
            self.errors.append(str(error))
            return False, None

    def map(self, records: Iterator[Any], f: Any) -> Iterator[Any]:
        for record in records:
            good, value = self.tried(f, record)
            if good:
                yield value

    def filter(self, records: Iterator[Any], f: Any) -> Iterator[Any]:
        for record in records:
            if self.tried(f, record)[1]:
                yield record

    def flatmap(self, records: Iterator[Any], f: Any) -> Iterator[Any]:
        for value in self.map(records, f):
            if isinstance(value, list):
                yield from reversed(value)
            else:
                yield value

    def foreach(self, records: Iterator[Any], f: Any) -> Iterator[Any]:
        for record in records:
            if self.tried(f, record)[0]:
                yield record

    def accumulate(self, records: Iterator[Any], f: Any) -> Iterator[Any]:
        a, some = None, False
        for record in records:
            good, value = self.tried(f, a, record)
            if good:
                a, some = value, True
        if some:
            yield a

    def localgroupby(self, records: Iterator[Any], ext: Any, red: Any) -> Iterator[Any]:
        groups: dict[str, Any] = {}
        for record in records:
            good, key = self.tried(ext, record)
            key = key if isinstance(key, str) else repr(key)
            if good:
                good, value = self.tried(red, key, groups.get(key), record)
            if good:
                groups[key] = value
        for key, value in groups.items():
            yield {"key": key, "value": value}

    groupby = localgroupby

    def batchgroupby(self, records: Iterator[Any], ext: Any, red: Any) -> Iterator[Any]:
        for group in list(self.localgroupby(records, ext, lambda k, a, r: [*(a or []), r])):
            good, value = self.tried(red, group["key"], group["value"])
            if good:
                yield {"key": group["key"], "value": value}

    def aggregate(self, records: Iterator[Any], zero: Any, seq: Any, comb: Any) -> Iterator[Any]:
        def begun(function: Any) -> Any:
            return lambda a, r: function(deepcopy(zero) if a is None else a, r)

        return self.accumulate(self.accumulate(records, begun(seq)), begun(comb))

    def aggregateby(
        self, records: Iterator[Any], ext: Any, zero: Any, seq: Any, comb: Any
    ) -> Iterator[Any]:
        local = self.localgroupby(
            records, ext, lambda k, a, r: seq(k, deepcopy(zero) if a is None else a, r)
        )
        return self.groupby(
            local,
            lambda r: r["key"],
            lambda k, a, r: comb(k, deepcopy(zero) if a is None else a, r["value"]),
        )

    def count(self, records: Iterator[Any]) -> Iterator[Any]:
        return self.accumulate(records, lambda a, r: (a or 0) + 1)

    def countby(self, records: Iterator[Any], ext: Any) -> Iterator[Any]:
        return self.localgroupby(records, ext, lambda k, a, r: (a or 0) + 1)

    def avg(self, records: Iterator[Any], ext: Any) -> Iterator[Any]:
        numbers = list(self.map(records, ext))
        if numbers:
            yield sum(numbers) / len(numbers)

    def repartition(self, records: Iterator[Any], ext: Any) -> Iterator[Any]:
        return self.foreach(records, ext)

    def collect(self, records: Iterator[Any]) -> Iterator[Any]:
        return records

    def sort(self, records: Iterator[Any]) -> Iterator[Any]:
        good, ordered = self.tried(sorted, records)
        if good:
            yield from ordered

    def limit(self, records: Iterator[Any], length: int, offset: int) -> Iterator[Any]:
        taken = 0
        while taken < length:
            try:
                record = next(records)
            except StopIteration:
                return
            if offset:
                offset -= 1
            else:
                taken += 1
                yield record


LIMITS = st.tuples(st.integers(0, 6), st.integers(0, 4)).map(lambda given: ("limit", given))
PLANS = st.lists(st.sampled_from(STEPS) | LIMITS, max_size=6)
GOOD = st.lists(st.integers(0, 40).filter(lambda n: n % 7 != 3), max_size=30)
RECORDS = st.lists(st.integers(0, 40), max_size=30)


def gear(steps: list[Step]) -> GB:
    made = GB()
    for name, arguments in steps:
        getattr(made, name)(*arguments)
    return made


def in_batches(records: list[Any], size: int) -> Iterator[list[Any]]:
    return (records[start : start + size] for start in range(0, len(records), size))


@settings(PATIENT, max_examples=400)
@given(steps=PLANS, records=RECORDS, size=st.integers(1, 12))
def test_plans_do_what_they_do_one_record_at_a_time(
    steps: list[Step], records: list[int], size: int
) -> None:
    oracle = Oracle()
    expected = oracle.run(steps, in_batches(records, size))
    came = outcome(gear(steps), records, batch=size)
    assert came.results == expected
    told = [text.splitlines()[-1].split(": ", 1)[1] for text in came.errors]
    # Steps see batches one after the other, the oracle sees records: the order may differ.
    assert sorted(told) == sorted(oracle.errors)


@settings(PATIENT, max_examples=200)
@given(steps=PLANS, records=GOOD, sizes=st.tuples(st.integers(1, 5), st.integers(6, 40)))
def test_the_size_of_batches_does_not_matter(
    steps: list[Step], records: list[int], sizes: tuple[int, int]
) -> None:
    first, second = (outcome(gear(steps), records, batch=size) for size in sizes)
    if not first.errors and not second.errors:
        assert first.results == second.results


@settings(PATIENT, max_examples=100)
@given(steps=PLANS, records=RECORDS)
def test_coroutines_do_what_functions_do(steps: list[Step], records: list[int]) -> None:
    """Records that wait may overtake each other; nothing is lost or made."""

    def waiting(function: Any) -> Any:
        async def call(*arguments: Any) -> Any:
            return function(*arguments)

        return call

    some = [step for step in steps if step[0] in ("map", "filter", "flatmap", "foreach")]
    plain = outcome(gear(some), records)
    made = gear([(name, tuple(map(waiting, arguments))) for name, arguments in some])
    came = outcome(made, records)
    assert sorted(map(repr, came.results)) == sorted(map(repr, plain.results))
    assert len(came.errors) == len(plain.errors)
