"""Section 1.3 on servers with the modules of Redis Stack: documents, and types without a value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.module.spec.speaker import Speaker

pytestmark = pytest.mark.servers("stack74_gears", "valkey91_modules_gears", "redis82_modules_gears")

DOCUMENTS: list[Any] = [
    {"a": 1, "b": [1.5, None, True, {"c": "é\n\"'"}]},
    [],
    {},
    "text",
    0,
    -(2**63),
    2**64 - 1,
    1e300,
    None,
    False,
    {"": {"": []}},
    [[[[[["deep"]]]]]],
    "\u0000\U0001f600",
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_a_document(gears: Speaker, document: Any) -> None:
    gears.ask("JSON.SET", "doc", "$", json.dumps(document))
    script = "GB().map(lambda r: repr((r['key'], r['type'], r['value']))).run('doc')"
    assert gears.objects(script) == [("doc", "module", document)]
    script = "GB().map(lambda r: repr(r['value'])).run('doc', noScan=True)"
    assert gears.objects(script) == [document]


def test_a_large_document(gears: Speaker) -> None:
    document = {f"field{n}": ["x" * 100] * 10 for n in range(2000)}
    gears.ask("JSON.SET", "doc", "$", json.dumps(document))
    script = "GB().map(lambda r: r['value']).map(lambda v: (len(v), v['field7'])).run()"
    assert gears.objects(script) == [(2000, ["x" * 100] * 10)]


def test_types_without_a_value(gears: Speaker) -> None:
    gears.ask("TS.ADD", "series", "1", "2")
    gears.ask("BF.ADD", "bloom", "x")
    gears.ask("CF.ADD", "cuckoo", "x")
    script = "GB().map(lambda r: (r['key'], r['type'], r['value'])).sort().run()"
    assert gears.objects(script) == [
        ("bloom", "module", None),
        ("cuckoo", "module", None),
        ("series", "module", None),
    ]


def test_documents_among_others(gears: Speaker) -> None:
    for n in range(300):
        gears.ask("JSON.SET", f"doc:{n}", "$", json.dumps({"n": n}))
        gears.ask("HSET", f"hash:{n}", "n", n)
    script = "GB().aggregateby(lambda r: r['type'], 0, lambda k, a, r: a + int(r['value']['n']), "
    script += "lambda k, a, b: a + b).run()"
    found = {each["key"]: each["value"] for each in gears.objects(script)}
    assert found == {"module": 44850, "hash": 44850}


# -- commands of modules (section 1.7) -------------------------------------------------------------


def test_json_commands(gears: Speaker) -> None:
    script = """
value = [
    execute('JSON.SET', 'doc', '$', '{"a": 1, "b": [1, 2]}'),
    execute('JSON.GET', 'doc', '$.b'),
    execute('JSON.NUMINCRBY', 'doc', '$.a', 2),
    execute('JSON.OBJKEYS', 'doc', '$'),
    execute('JSON.TYPE', 'doc'),
    execute('JSON.GET', 'absent'),
]
"""
    assert gears.body(script) == ["OK", "[[1,2]]", "[3]", [["a", "b"]], "object", None]


def test_search_commands(gears: Speaker) -> None:
    script = """
import time
execute('FT.CREATE', 'idx', 'ON', 'HASH', 'PREFIX', 1, 'user:', 'SCHEMA', 'name', 'TEXT', 'age',
        'NUMERIC', 'SORTABLE')
for n, name in enumerate(['ann', 'bob', 'ann']):
    execute('HSET', f'user:{n}', 'name', name, 'age', n * 10)
value = [
    execute('FT.SEARCH', 'idx', '@name:ann', 'NOCONTENT', 'SORTBY', 'age'),
    execute('FT.SEARCH', 'idx', '@age:[20 20]'),
    execute('FT.AGGREGATE', 'idx', '*', 'GROUPBY', 1, '@name', 'REDUCE', 'COUNT', 0, 'AS', 'n',
            'SORTBY', 2, '@name', 'ASC'),
]
execute('FT.DROPINDEX', 'idx')
"""
    assert gears.body(script) == [
        [2, "user:0", "user:2"],
        [1, "user:2", ["name", "ann", "age", "20"]],
        [2, ["name", "ann", "n", "2"], ["name", "bob", "n", "1"]],
    ]


def test_search_in_the_third_protocol(gears: Speaker) -> None:
    script = """
execute('FT.CREATE', 'idx', 'ON', 'HASH', 'PREFIX', 1, 'user:', 'SCHEMA', 'name', 'TEXT')
execute('HSET', 'user:1', 'name', 'ann')
found = execute('FT.SEARCH', 'idx', 'ann', protocol=3)
value = [found['total_results'], found['results'][0]['id'],
         found['results'][0]['extra_attributes']]
execute('FT.DROPINDEX', 'idx')
"""
    assert gears.body(script) == [1, "user:1", {"name": "ann"}]


def test_timeseries_commands(gears: Speaker) -> None:
    script = """
value = [
    execute('TS.CREATE', 'series', 'LABELS', 'of', 'x'),
    execute('TS.ADD', 'series', 1, 0.5),
    execute('TS.MADD', 'series', 2, 1, 'series', 3, 2),
    execute('TS.RANGE', 'series', '-', '+'),
    execute('TS.RANGE', 'series', '-', '+', protocol=3),
    execute('TS.MRANGE', '-', '+', 'FILTER', 'of=x')[0][0],
    execute('TS.GET', 'series'),
]
"""
    assert gears.body(script) == [
        "OK",
        1,
        [2, 3],
        [[1, "5E-1"], [2, "1"], [3, "2"]],
        [[1, 0.5], [2, 1.0], [3, 2.0]],
        "series",
        [3, "2"],
    ]


def test_errors_of_modules(gears: Speaker) -> None:
    assert "no such index" in gears.raised("execute('FT.SEARCH', 'absent', 'x')").lower()
    assert "new objects must be created" in gears.raised("execute('JSON.SET', 'doc', '$.a', '1')")
    assert "does not exist" in gears.raised("execute('TS.RANGE', 'absent', '-', '+')")


def test_commands_in_steps(gears: Speaker) -> None:
    gears.ask("JSON.SET", "doc:1", "$", '{"a": 1}')
    script = "GB('KeysOnlyReader').map(lambda k: execute('JSON.GET', k, '$.a')).run('doc:*')"
    assert gears(script) == [["[1]"], []]
