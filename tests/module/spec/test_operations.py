"""Section 1.4: the operations, as scripts write them."""

from __future__ import annotations

import pytest

from tests.module.spec.speaker import Speaker
from tests.servers.patience import wait_until

READ = "GB('PythonReader').{}.run(lambda: iter({}))"


def run(gears: Speaker, steps: str, records: str = "range(5)", before: str = "") -> list[object]:
    return gears.objects(before + "\n" + READ.format(steps, records))


@pytest.mark.parametrize(
    ("steps", "records", "expected"),
    [
        ("map(lambda x: x + 1)", "[1, 2]", [2, 3]),
        ("map(lambda x: None)", "[1]", [None]),
        ("filter(lambda x: x % 2)", "range(5)", [1, 3]),
        ("filter(lambda x: [])", "range(5)", []),
        ("flatmap(lambda x: [x, x * 10])", "[1, 2]", [10, 1, 20, 2]),
        ("flatmap(lambda x: [])", "[1]", []),
        ("flatmap(lambda x: (x, x))", "[1]", [(1, 1)]),
        ("flatmap(lambda x: 'ab').map(repr)", "[1]", ["ab"]),
        ("flatmap(lambda x: [[x]])", "[1]", [[1]]),
        ("foreach(lambda x: x * 100)", "[1, 2]", [1, 2]),
        ("accumulate(lambda a, r: (a or 0) + r)", "[1, 2, 3]", [6]),
        ("accumulate(lambda a, r: (a, r))", "[1]", [(None, 1)]),
        ("accumulate(lambda a, r: 1)", "[]", []),
        ("limit(2)", "range(5)", [0, 1]),
        ("limit(2, 1)", "range(5)", [1, 2]),
        ("limit(length=2, offset=4)", "range(5)", [4]),
        ("limit(0)", "range(5)", []),
        ("collect()", "[1]", [1]),
        ("repartition(lambda x: str(x))", "[1]", [1]),
        ("repartition(lambda x: x)", "[1]", [1]),
        ("count()", "range(5)", [5]),
        ("count()", "[]", []),
        ("avg()", "[1, 2]", [1.5]),
        ("avg(lambda x: x['n'])", "[{'n': 1}, {'n': 4}]", [2.5]),
        ("avg()", "['1', '2.5']", [1.75]),
        ("avg()", "[]", []),
        ("sort()", "[3, 1, 2]", [1, 2, 3]),
        ("sort(reverse=True)", "[3, 1, 2]", [1, 2, 3]),
        ("sort(False)", "[3, 1, 2]", [3, 2, 1]),
        ("sort()", "[]", []),
        ("aggregate(0, lambda a, r: a + r, lambda a, r: a + r)", "[1, 2, 3]", [6]),
        ("aggregate([], lambda a, r: a + [r], lambda a, r: a + r)", "[1, 2]", [[1, 2]]),
        ("aggregate(0, lambda a, r: a + r, lambda a, r: a + r)", "[]", []),
        ("aggregate(5, lambda a, r: 0, lambda a, r: a + r)", "[1, 2]", [5]),
    ],
)
def test_an_operation(gears: Speaker, steps: str, records: str, expected: list[object]) -> None:
    assert run(gears, steps, records) == expected


def by_key(found: list[object]) -> dict[object, object]:
    assert all(isinstance(each, dict) and list(each) == ["key", "value"] for each in found)
    return {each["key"]: each["value"] for each in found}  # type: ignore[index]


SUM = "lambda k, a, r: (a or 0) + r"


@pytest.mark.parametrize(
    ("steps", "records", "expected"),
    [
        (f"groupby(lambda x: 'odd' if x % 2 else 'no', {SUM})", "range(5)", {"odd": 4, "no": 6}),
        (f"localgroupby(lambda x: 'k', {SUM})", "range(5)", {"k": 10}),
        ("groupby(lambda x: x['k'], lambda k, a, r: (k, a, r['v']))", "[{'k': 'a', 'v': 1}]",
         {"a": ("a", None, 1)}),
        ("batchgroupby(lambda x: str(x % 2), lambda k, rs: (k, sorted(rs)))", "range(4)",
         {"0": ("0", [0, 2]), "1": ("1", [1, 3])}),
        (f"groupby(lambda x: x % 2, {SUM})", "range(5)", {"0": 6, "1": 4}),
        (f"localgroupby(lambda x: None, {SUM})", "range(5)", {"None": 10}),
        (f"groupby(lambda x: b'b', {SUM})", "range(5)", {"b'b'": 10}),
        (f"groupby(lambda x: 'a\\0' + str(x % 2), {SUM})", "range(3)", {"a\0000": 2, "a\0001": 1}),
        ("countby()", "['a', 'b', 'a']", {"a": 2, "b": 1}),
        ("countby(lambda x: x % 3)", "range(5)", {"0": 2, "1": 2, "2": 1}),
        ("countby(lambda x: (x, 1.5))", "[1]", {"(1, 1.5)": 1}),
        ("aggregateby(lambda x: x % 2, 0, lambda k, a, r: a + r, lambda k, a, r: a + r)",
         "range(5)", {"0": 6, "1": 4}),
        ("aggregateby(lambda x: 'k', [], lambda k, a, r: a + [r], lambda k, a, r: a + r)",
         "range(3)", {"k": [0, 1, 2]}),
        ("countby()", "[]", {}),
        (f"groupby(lambda x: x, {SUM})", "[]", {}),
        (f"localgroupby(lambda x: x, {SUM})", "[]", {}),
        ("batchgroupby(lambda x: x, lambda k, rs: 1)", "[]", {}),
        ("aggregateby(lambda x: 1, 0, lambda k, a, r: a, lambda k, a, r: a)", "[]", {}),
    ],
)  # fmt: skip
def test_by_key(gears: Speaker, steps: str, records: str, expected: dict[str, object]) -> None:
    assert by_key(run(gears, steps, records)) == expected


def test_distinct_records(gears: Speaker) -> None:
    script = READ.format("distinct()", "[1, 2, 1, (1,), (1,), None]")
    assert sorted(gears.results(script)) == ["(1,)", "1", "2", "None"]
    assert gears.results(READ.format("distinct()", "[]")) == []
    assert "unhashable" in gears.errors(READ.format("distinct()", "[[1]]"))[0]


def test_a_falsy_accumulator_stays(gears: Speaker) -> None:
    """RedisGears would put 10 in place of each 0."""
    steps = "aggregate(10, lambda a, r: a - r, lambda a, r: r)"
    assert run(gears, steps, "[10, 3]") == [-3]
    by = "aggregateby(lambda x: 'k', 10, lambda k, a, r: a - r, lambda k, a, r: r)"
    assert by_key(run(gears, by, "[10, 3]")) == {"k": -3}


def test_zero_is_copied(gears: Speaker) -> None:
    before = "zero = []\ndef add(a, r):\n    a.append(r)\n    return a"
    steps = "aggregate(zero, add, lambda a, r: a + r).map(lambda r: (r, zero))"
    assert run(gears, steps, "[1, 2]", before) == [([1, 2], [])]


def test_limit_asks_for_no_more_than_it_needs(gears: Speaker) -> None:
    before = "seen = []\ndef note(x):\n    seen.append(x)\n    return x"
    script = before + "\nGB('PythonReader').map(note).limit(2).map(lambda x: (x, len(seen)))"
    found = gears.objects(script + ".run(lambda: iter(range(10**9)))")
    assert [each[0] for each in found] == [0, 1]
    assert max(each[1] for each in found) <= 3


def test_limit_after_many_that_are_dropped(gears: Speaker) -> None:
    script = READ.format("filter(lambda x: x > 5000).limit(1)", "range(10**9)")
    assert gears.results(script) == ["5001"]


CALLABLES = {
    "builtin": "str.upper",
    "method": "Upper().go",
    "object": "Upper()",
    "class": "str",
    "partial": "functools.partial(lambda a, b: a + b, 'x')",
    "lambda": "lambda r: r",
    "coroutine": "later",
}
BEFORE = """
import functools
class Upper:
    def go(self, r): return r.upper()
    __call__ = go
async def later(r):
    return r + '!'
"""


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("builtin", "A"), ("method", "A"), ("object", "A"), ("class", "a"), ("partial", "xa"),
     ("lambda", "a"), ("coroutine", "a!")],
)  # fmt: skip
def test_whatever_can_be_called(gears: Speaker, kind: str, expected: str) -> None:
    script = BEFORE + READ.format(f"map({CALLABLES[kind]})", "['a']")
    assert gears.results(script) == [expected]


OPERATIONS = (
    "map", "filter", "flatmap", "foreach", "accumulate", "repartition", "countby", "avg",
)  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_cannot_be_called(gears: Speaker, operation: str) -> None:
    raised = gears.raised(f"GB().{operation}(1)")
    assert raised.endswith(f"{operation} argument must be a function, not 1")


def test_what_cannot_be_called_among_two(gears: Speaker) -> None:
    for operation in ("groupby", "localgroupby", "batchgroupby"):
        raised = gears.raised(f"GB().{operation}(1, len)")
        assert raised.endswith(f"{operation} extractor argument must be a function, not 1")
        raised = gears.raised(f"GB().{operation}(len, 1)")
        assert raised.endswith(f"{operation} reducer argument must be a function, not 1")
    assert "aggregate argument must be a function" in gears.raised("GB().aggregate(0, 1, len)")


@pytest.mark.parametrize(
    "call",
    ["map()", "map(len, len)", "filter()", "flatmap()", "foreach()", "accumulate()", "groupby(len)",
     "localgroupby(len)", "batchgroupby(len)", "repartition()", "limit()", "limit(1, 2, 3)",
     "collect(1)", "aggregate(1)", "count(1)", "distinct(1)"],
)  # fmt: skip
def test_wrong_numbers_of_arguments(gears: Speaker, call: str) -> None:
    name = call.partition("(")[0]
    assert f"wrong number of args to {name}" in gears.raised(f"GB().{call}")


def test_limit_takes_numbers(gears: Speaker) -> None:
    assert "limit argument must be a number" in gears.raised("GB().limit('a')")
    assert "limit argument must be a number" in gears.raised("GB().limit(1, 'a')")


@pytest.mark.parametrize("name", ["forEach", "countByKey", "localaccumulate", "join", "window"])
def test_there_are_no_others(gears: Speaker, name: str) -> None:
    assert f"no attribute '{name}'" in gears.raised(f"GB().{name}")


def test_operations_give_the_builder_back(gears: Speaker) -> None:
    calls = (
        "map(len) filter(len) flatmap(len) foreach(len) accumulate(len) localgroupby(len,len)"
        " groupby(len,len) batchgroupby(len,len) collect() repartition(len) limit(1)"
        " aggregate(0,len,len) aggregateby(len,0,len,len) count() countby() avg() distinct() sort()"
    )
    checks = ", ".join(f"g.{call} is g" for call in calls.split())
    assert gears.body(f"g = GB()\nvalue = [{checks}]") == [True] * 18


# -- errors ----------------------------------------------------------------------------------------


def test_records_that_fail(gears: Speaker) -> None:
    script = READ.format("map(lambda x: 1 // x)", "[1, 0, 1, 0]")
    results, errors = gears(script)
    assert results == ["1", "1"]
    assert len(errors) == 2
    assert all(each.startswith("Traceback (most recent call last):") for each in errors)
    last = "ZeroDivisionError: integer division or modulo by zero"
    assert all(each.rstrip().endswith(last) for each in errors)


def test_a_traceback_shows_the_line(gears: Speaker) -> None:
    script = "def f(x):\n    return missing\nGB('PythonReader').map(f).run(lambda: [1])"
    _, (error,) = gears(script)
    assert "line 2, in f" in error
    assert "return missing" in error
    assert "gearframe" not in error


def test_an_error_passes_the_steps_that_follow(gears: Speaker) -> None:
    script = "seen = []\ndef bad(x):\n    raise ValueError(x)\n"
    script += READ.format("map(bad).map(seen.append).count()", "[1]")
    results, errors = gears(script)
    assert results == []
    assert errors[0].endswith("ValueError: 1")


@pytest.mark.parametrize(
    "steps",
    ["filter(bad)", "flatmap(bad)", "foreach(bad)", "accumulate(bad)", "groupby(bad, bad)",
     "groupby(lambda x: 'k', bad)", "localgroupby(bad, bad)", "localgroupby(lambda x: 'k', bad)",
     "batchgroupby(bad, bad)", "batchgroupby(lambda x: 'k', bad)", "repartition(bad)",
     "aggregate(0, bad, bad)", "aggregateby(bad, 0, bad, bad)", "countby(bad)", "avg(bad)",
     "map(lambda x: Bad()).sort()", "map(lambda x: Bad())"],
)  # fmt: skip
def test_whatever_fails(gears: Speaker, steps: str) -> None:
    before = """
def bad(*_):
    raise ValueError('bad')
class Bad:
    __str__ = __repr__ = __lt__ = bad
"""
    errors = gears.errors(before + READ.format(steps, "[1, 2]"))
    assert errors
    assert set(errors) == {"ValueError: bad"}


def test_a_flat_error(gears: Speaker) -> None:
    script = READ.format("map(lambda x: flat_error('only this'))", "[1]")
    assert gears(script) == [[], ["only this"]]


def test_without_tracebacks(gears: Speaker) -> None:
    with gears.setting("PythonAttemptTraceback", "0"):
        assert gears(READ.format("map(lambda x: 1 // x)", "[0]")) == [
            [],
            ["integer division or modulo by zero"],
        ]


@pytest.mark.parametrize("raised", ["SystemExit(3)", "KeyboardInterrupt()", "StopIteration()"])
def test_what_is_no_exception_is_an_error_too(gears: Speaker, raised: str) -> None:
    script = f"def f(x):\n    raise {raised}\n" + READ.format("map(f)", "[1]")
    results, (error,) = gears(script)
    assert results == []
    assert raised.partition("(")[0] in error
    assert gears("x = 1") == "OK"


def test_the_reader_stops_after_an_error(gears: Speaker) -> None:
    script = """
read = []
def records():
    n = 0
    while True:
        read.append(n)
        yield n
        n += 1
def check(x):
    if x == 5:
        raise ValueError('five')
GB('PythonReader').foreach(check).count().run(records)
"""
    results, errors = gears(script)
    assert len(results) == 1
    assert errors[0].endswith("ValueError: five")


@pytest.mark.parametrize(
    "steps",
    ["groupby(later, lambda k, a, r: 1)", "localgroupby(later, lambda k, a, r: 1)",
     "batchgroupby(later, lambda k, r: 1)", "batchgroupby(lambda x: 'k', later2)",
     "repartition(later)"],
)  # fmt: skip
def test_what_may_not_be_a_coroutine(gears: Speaker, steps: str) -> None:
    before = "async def later(r): return 'k'\nasync def later2(k, r): return 'k'\n"
    (error, *_) = gears.errors(before + READ.format(steps, "[1]"))
    assert "coroutine are not allow on extractor/reduce" in error


# -- run -------------------------------------------------------------------------------------------


def test_results_are_str(gears: Speaker) -> None:
    assert gears(READ.format("map(lambda x: {'a': x})", "[1]")) == [["{'a': 1}"], []]


def test_results_that_are_not_converted(gears: Speaker) -> None:
    run = "GB('PythonReader').run(lambda: [1, [2, 'a'], True], convertToStr=False)"
    assert gears(run) == [[1, [2, "a"], 1], []]


def test_modes(gears: Speaker) -> None:
    for mode in ("async", "async_local"):
        assert gears(f"GB('PythonReader').run(lambda: [1], mode={mode!r})") == [["1"], []]
    assert "unknown execution mode" in gears.raised("GB().run(mode='sync')")


def test_without_collect(gears: Speaker) -> None:
    assert gears("GB('PythonReader').run(lambda: [1], collect=False)") == [["1"], []]


def test_one_run_in_a_script(gears: Speaker) -> None:
    script = "GB().run()\nGB().run()"
    assert gears.raised(script).endswith("Can not run more then 1 executions in a single script")
    assert gears.ask("RG.DUMPEXECUTIONS") == []


def test_any_number_of_runs_in_a_step(gears: Speaker) -> None:
    gears.client.mset({"a": 1, "b": 2})
    script = """
def start(n):
    for _ in range(3):
        GB('KeysOnlyReader').foreach(lambda k: execute('INCR', 'runs:' + k)).run('[ab]')
GB('PythonReader').foreach(start).run(lambda: [1])
"""
    assert gears(script) == [["1"], []]
    wait_until(lambda: gears.client.mget("runs:a", "runs:b") == ["3", "3"])
    wait_until(lambda: gears.ask("RG.DUMPEXECUTIONS") == [])


def test_a_builder_is_changed_by_its_operations(gears: Speaker) -> None:
    script = "g = GB('PythonReader')\ng.map(lambda x: x + 1)\ng.count()\ng.run(lambda: [1, 2])"
    assert gears(script) == [["2"], []]
