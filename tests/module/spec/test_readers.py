"""Section 1.3: what the readers give."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import redis

from tests.module.spec.speaker import Speaker, unordered

BAD = b"\xff\x00\xfe"
BIG = 3000  # more than what is read in one piece of any type

RECORD = "GB().map(lambda r: repr(sorted(r.items(), key=str))).run({!r}, {})"


def record(gears: Speaker, pattern: str, options: str = "") -> dict[str, Any]:
    (found,) = gears.objects(RECORD.format(pattern, options))
    return dict(found)


@pytest.fixture
def raw(module_url: str) -> Any:
    with redis.Redis.from_url(module_url) as client:
        yield client


@pytest.mark.parametrize(
    ("command", "kind", "value"),
    [
        (("SET", "k", "v"), "string", "v"),
        (("SET", "k", ""), "string", ""),
        (("SET", "k", "é\0é"), "string", "é\0é"),
        (("SET", "k", BAD), "string", bytearray(BAD)),
        (("HSET", "k", "a", "1", "", ""), "hash", {"a": "1", "": ""}),
        (("HSET", "k", BAD, BAD, "a\0b", "c"), "hash", {BAD: bytearray(BAD), "a\0b": "c"}),
        (("RPUSH", "k", "b", "a", "b", ""), "list", ["b", "a", "b", ""]),
        (("RPUSH", "k", BAD), "list", [bytearray(BAD)]),
        (("SADD", "k", "b", "a", ""), "set", {"a", "b", ""}),
        (("SADD", "k", BAD, "a"), "set", {BAD, "a"}),
        (("SADD", "k", "1", "2"), "set", {"1", "2"}),
        (("ZADD", "k", "2.5", "b", "-1", "a"), "zset", {"a": -1.0, "b": 2.5}),
        (("ZADD", "k", "1", BAD), "zset", {BAD: 1.0}),
        (
            ("XADD", "k", "1-1", "f", "v", BAD, BAD),
            "stream",
            [{"id": "1-1", "value": {"f": "v", BAD: bytearray(BAD)}}],
        ),
    ],
)
def test_a_record_of_each_type(
    raw: Any, gears: Speaker, command: Any, kind: str, value: Any
) -> None:
    raw.execute_command(*command)
    script = """
def show(r):
    v = r['value']
    return repr((r['key'], r['type'], r['event'], type(v).__name__, len(r), v))
GB().map(show).run()
"""
    (line,) = gears.results(script)
    shown = eval(line)
    assert shown == ("k", kind, None, type(value).__name__, 4, value)


def test_scores_are_in_order(gears: Speaker) -> None:
    gears.ask("ZADD", "z", "inf", "c", "-inf", "a", "0", "b")
    script = "GB().map(lambda r: str(list(r['value'].items()))).run('z')"
    assert gears.results(script) == ["[('a', -inf), ('b', 0.0), ('c', inf)]"]


def test_keys_that_are_no_text(raw: Any, gears: Speaker) -> None:
    raw.set(b"k" + BAD, "v")
    raw.set("é", "w")
    script = "GB().map(lambda r: repr((r['key'], r['value']))).sort().run()"
    assert sorted(gears.objects(script), key=str) == [("é", "w"), (b"k" + BAD, "v")]


def test_a_key_that_is_no_text_can_be_used(raw: Any, gears: Speaker) -> None:
    raw.set(BAD, "v")
    script = "GB().map(lambda r: execute('GET', r['key'])).run()"
    assert gears(script) == [["v"], []]


def test_large_collections_are_whole(raw: Any, gears: Speaker) -> None:
    numbers = range(BIG)
    raw.hset("hash", mapping={f"f{n}": n for n in numbers})
    raw.rpush("list", *numbers)
    raw.sadd("set", *(f"m{n}" for n in numbers))
    raw.sadd("ints", *numbers)
    raw.zadd("zset", {f"m{n}": n for n in numbers})
    with raw.pipeline() as pipe:
        for n in numbers:
            pipe.xadd("stream", {"n": n}, id=f"{n + 1}-0")
        pipe.execute()
    script = """
expected = {
    'hash': {f'f{n}': str(n) for n in range(SIZE)},
    'list': [str(n) for n in range(SIZE)],
    'set': {f'm{n}' for n in range(SIZE)},
    'ints': {str(n) for n in range(SIZE)},
    'zset': {f'm{n}': float(n) for n in range(SIZE)},
    'stream': [{'id': f'{n + 1}-0', 'value': {'n': str(n)}} for n in range(SIZE)],
}
def check(r):
    assert r['value'] == expected[r['key']]
    if r['key'] == 'zset':
        assert list(r['value']) == list(expected['zset'])
    return r['key']
GB().map(check).sort().run()
""".replace("SIZE", str(BIG))
    assert gears.results(script) == ["hash", "ints", "list", "set", "stream", "zset"]


def test_without_the_value(gears: Speaker) -> None:
    gears.ask("SET", "k", "v")
    assert record(gears, "k", "readValue=False") == {"key": "k", "event": None}
    assert record(gears, "k", "readValue=False, noScan=True") == {"key": "k", "event": None}


def test_one_key_by_its_name(gears: Speaker) -> None:
    gears.ask("SET", "k*", "v")
    gears.ask("SET", "ka", "w")
    assert record(gears, "k*", "noScan=True") == {
        "key": "k*",
        "value": "v",
        "type": "string",
        "event": None,
    }


def test_one_key_that_is_not_there(gears: Speaker) -> None:
    missing = {"key": "no", "value": None, "type": "empty", "event": None}
    assert record(gears, "no", "noScan=True") == missing
    assert gears("GB().run('no')") == [[], []]


def test_an_empty_database(gears: Speaker) -> None:
    assert gears("GB().run()") == [[], []]


def test_keys_that_expired(gears: Speaker) -> None:
    gears.ask("SET", "gone", "v", "PX", "1")
    gears.ask("SET", "stays", "v", "EX", "1000")
    script = "import time\ntime.sleep(0.05)\nGB().map(lambda r: r['key']).run()"
    assert gears.results(script) == ["stays"]
    assert record(gears, "gone", "noScan=True")["type"] == "empty"


def test_fields_that_expired(gears: Speaker) -> None:
    """As HGETALL and HGET answer, also while the field is still there."""
    gears.ask("HSET", "small", "a", "1", "b", "2")
    gears.ask("HSET", "large", *(text for n in range(600) for text in (f"f{n}", "x" * 100)))
    gears.ask("HPEXPIRE", "small", "1", "FIELDS", "1", "a")
    gears.ask("HPEXPIRE", "large", "1", "FIELDS", "1", "f7")
    time.sleep(0.01)
    script = "GB().map(lambda r: (r['key'], len(r['value']))).sort().run()"
    assert gears.objects(script) == [("large", 599), ("small", 1)]
    assert gears.objects("GB().map(lambda r: r['value'].get('a')).run('small')") == [None]
    assert gears.objects("GB().map(lambda r: r['value'].get('f7')).run('large')") == [None]


def test_keys_that_vanish_while_they_are_read(gears: Speaker) -> None:
    """Each record has what the key had; a key that is gone gives none, or an empty one."""
    gears.client.mset({f"k{n}": "v" for n in range(5000)})
    script = """
def vanish(r):
    execute('FLUSHDB')
    return (r['type'], r['value'])
GB().map(vanish).distinct().run()
"""
    found = set(gears.objects(script))
    assert ("string", "v") in found
    assert found <= {("string", "v"), ("empty", None)}


PATTERNS = {
    "*": ["a", "aa", "ab", "b", "c*", "[x]", "é", "\\"],
    "a*": ["a", "aa", "ab"],
    "a?": ["aa", "ab"],
    "?": ["a", "b", "\\"],
    "[ab]": ["a", "b"],
    "[^a]": ["b", "\\"],
    "[a-c]": ["a", "b"],
    "a[^b]": ["aa"],
    "c\\*": ["c*"],
    "\\[x\\]": ["[x]"],
    "\\\\": ["\\"],
    "??": ["aa", "ab", "c*", "é"],
    "": [],
}


@pytest.mark.parametrize("reader", ["KeysReader", "KeysOnlyReader"])
def test_patterns_are_globs(gears: Speaker, reader: str) -> None:
    gears.client.mset(dict.fromkeys(PATTERNS["*"], "v"))
    key = "lambda r: r['key']" if reader == "KeysReader" else "lambda r: r"
    found = {
        pattern: gears.results(f"GB({reader!r}, 'no').map({key}).run({pattern!r} or '')")
        for pattern in PATTERNS
    }
    assert found == {pattern: unordered(keys) for pattern, keys in PATTERNS.items()}


def test_the_default_argument(gears: Speaker) -> None:
    gears.client.mset({"a": 1, "b": 2})
    assert gears.results("GB('KeysReader', 'a').map(lambda r: r['key']).run()") == ["a"]
    assert gears.results("GB('KeysReader', 'a').map(lambda r: r['key']).run('b')") == ["b"]
    assert gears.results("GB(defaultArg='b', reader='KeysOnlyReader').run()") == ["b"]


def test_unknown_options_are_ignored(gears: Speaker) -> None:
    gears.ask("SET", "a", "1")
    script = "GB().map(lambda r: r['key']).run('*', regex='b', eventTypes=['set'], nonsense=1)"
    assert gears.results(script) == ["a"]


def test_the_database_of_the_client(gears: Speaker, module_url: str) -> None:
    gears.ask("SET", "in0", "v")
    other = Speaker(module_url, db=3)
    with other.client:
        other.ask("SET", "in3", "v")
        assert other.results("GB().map(lambda r: r['key']).run()") == ["in3"]
        assert other.results("GB('KeysOnlyReader').run()") == ["in3"]
        assert other.body("value = execute('KEYS', '*')") == ["in3"]


def test_each_key_once_of_many(gears: Speaker) -> None:
    with gears.client.pipeline(transaction=False) as pipe:
        for start in range(0, 100_000, 10_000):
            pipe.mset({f"key:{n}": n for n in range(start, start + 10_000)})
        pipe.execute()
    group = "batchgroupby(lambda x: x % 10, lambda k, all: (len(all), len(set(all))))"
    for script in (
        f"GB().map(lambda r: int(r['value'])).{group}.run('key:*')",
        f"GB('KeysOnlyReader').map(lambda k: int(k[4:])).{group}.run('key:*')",
    ):
        assert {each["value"] for each in gears.objects(script)} == {(10_000, 10_000)}


@pytest.mark.parametrize(
    ("reader", "number", "options"),
    [
        ("KeysReader", "lambda r: int(r['value'])", ""),
        ("KeysOnlyReader", "lambda k: int(k[6:])", ", count=20"),
    ],
)
def test_each_key_once_while_the_table_is_resized(
    gears: Speaker, module_url: str, reader: str, number: str, options: str
) -> None:
    """10,000 keys that stay, while a writer lets the table grow and shrink again and again."""
    gears.client.mset({f"stays:{n}": n for n in range(10_000)})
    names = [f"comes:{n}" for n in range(120_000)]
    end = threading.Event()

    def write() -> None:
        with redis.Redis.from_url(module_url) as client:
            while not end.is_set():
                for start in range(0, len(names), 10_000):
                    client.mset(dict.fromkeys(names[start : start + 10_000], "v"))
                for start in range(0, len(names), 10_000):
                    client.unlink(*names[start : start + 10_000])

    writer = threading.Thread(target=write)
    writer.start()
    script = f"GB({reader!r}).map({number}).batchgroupby(lambda x: x % 10, "
    script += f"lambda k, all: (len(all), len(set(all)))).run('stays:*'{options})"
    try:
        for _ in range(3):
            assert {each["value"] for each in gears.objects(script)} == {(1000, 1000)}
    finally:
        end.set()
        writer.join(60)


# -- the other readers -----------------------------------------------------------------------------


def test_keys_only(gears: Speaker) -> None:
    gears.client.mset({f"k{n}": n for n in range(50)})
    names = [f"k{n}" for n in range(50)]
    assert sorted(gears.results("GB('KeysOnlyReader').run('k*')")) == sorted(names)
    assert sorted(gears.results("GB('KeysOnlyReader').run('k*', count=3)")) == sorted(names)
    assert gears.results("GB('KeysOnlyReader').run('k1', noScan=True)") == ["k1"]
    assert gears.results("GB('KeysOnlyReader').run('k?', noScan=True)") == []


def test_a_pattern_of_a_function(gears: Speaker) -> None:
    gears.client.mset({"k{06S}": 1, "other": 2})
    one = "lambda: ('k{%s}' % hashtag(), True)"
    assert gears.results(f"GB('KeysOnlyReader').run(patternGenerator={one})") == ["k{06S}"]
    many = "lambda: ('o*', False)"
    script = f"GB('KeysOnlyReader').run('k*', noScan=True, patternGenerator={many})"
    assert gears.results(script) == ["other"]


def test_keys_only_that_are_no_text(raw: Any, gears: Speaker) -> None:
    raw.set(BAD, "v")
    assert gears.results("GB('KeysOnlyReader').map(lambda k: execute('GET', k)).run()") == ["v"]


def test_a_stream(raw: Any, gears: Speaker) -> None:
    for n in range(1, 4):
        raw.xadd("s", {"n": n, "é": "é", BAD: BAD}, id=f"{n}-{n}")
    script = "GB('StreamReader').map(lambda r: repr(r)).run('s')"
    line = (
        "{'key': 's', 'id': '%d-%d', 'value': {'n': '%d', 'é': 'é', "
        + f"{BAD!r}: {bytearray(BAD)!r}"
        + "}}"
    )
    assert gears.results(script) == [line % (n, n, n) for n in range(1, 4)]


def test_a_stream_from_an_id(gears: Speaker) -> None:
    for n in range(1, 4):
        gears.ask("XADD", "s", f"{n}-0", "n", n)
    ids = "GB('StreamReader').map(lambda r: r['id']).run('s', fromId={!r})"
    assert gears.results(ids.format("1-0")) == ["2-0", "3-0"]
    assert gears.results(ids.format("1")) == ["2-0", "3-0"]
    assert gears.results(ids.format("1-5")) == ["2-0", "3-0"]
    assert gears.results(ids.format("3-0")) == []
    assert gears.results(ids.format("0")) == ["1-0", "2-0", "3-0"]


def test_a_stream_that_cannot_be_read(gears: Speaker) -> None:
    gears.ask("XADD", "s", "1-0", "n", 1)
    gears.ask("SET", "string", "v")
    run = "GB('StreamReader').run({!r}, fromId={!r})"
    assert gears(run.format("s", "no"))[1] == [
        "ERR Invalid stream ID specified as stream command argument"
    ]
    assert gears(run.format("absent", "0-0")) == [[], []]
    (error,) = gears(run.format("string", "0-0"))[1]
    assert error.startswith("WRONGTYPE")


def test_a_long_stream_is_in_order(gears: Speaker) -> None:
    with gears.client.pipeline(transaction=False) as pipe:
        for n in range(1, BIG):
            pipe.xadd("s", {"n": n}, id=f"{n}-0")
        pipe.execute()
    script = "GB('StreamReader').map(lambda r: int(r['value']['n'])).run('s')"
    assert gears.objects(script) == list(range(1, BIG))


def test_a_python_function(gears: Speaker) -> None:
    generator = "def read():\n    yield 1\n    yield {'a': None}\nGB('PythonReader').run(read)"
    assert gears.objects(generator) == [1, {"a": None}]
    assert gears.objects("GB('PythonReader', lambda: iter([2, 3])).run()") == [2, 3]
    assert gears("GB('PythonReader').run(lambda: iter(()))") == [[], []]


def test_a_python_function_that_fails(gears: Speaker) -> None:
    script = "def read():\n    yield 1\n    raise ValueError('so')\nGB('PythonReader').run(read)"
    results, (error,) = gears(script)
    assert results == ["1"]
    assert error.endswith("ValueError: so")
    assert gears.errors("GB('PythonReader').run(lambda: 1)")[0].startswith("TypeError")
    assert gears.raised("GB('PythonReader').run('no function')").endswith(
        "PythonReader argument must be a function, not 'no function'"
    )


def test_shard_ids(gears: Speaker) -> None:
    assert gears.results("GB('ShardsIDReader').run()") == ["1"]
    assert gears.results("GB('ShardsIDReader').map(lambda i: i * 2).run()") == ["11"]


def test_readers_that_cannot_be_run(gears: Speaker) -> None:
    assert "Given reader do not support run or not exists" in (
        "".join(gears("GB('CommandReader').run()")[1])
    )
    assert "reader does not exists" in gears.raised("GB('NoReader').run()")
