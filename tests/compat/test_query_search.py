"""The builder's queries on Redis Stack: RediSearch finds what a naive filter in Python finds.

The index has no stop words and no stems, and a separator of tags that is in no value, so that
what is right can be told without knowing RediSearch.
"""

from __future__ import annotations

import itertools
import math
import random
import re
import string
import struct

import pytest
import redis

from gearframe.compat.polars_redis import col, cols, match_all, match_none, raw

SEPARATOR = "\x1f"
PRINTABLE = [c for c in string.printable if not c.isalnum() and c not in "\t\n\r\v\f"]
NAMES = [
    *(f"x{c}y" for c in PRINTABLE),
    *(f"{c}{c}z" for c in PRINTABLE if c != " "),
    *(f"z{c}{c}" for c in PRINTABLE if c != " "),
    "plain",
    "two words",
    "two  words",
    "a|b",
    "a-b",
    "me@home.org",
    "été à Zürich",
    "東京",
    "Ω≈ç√",
    "😀 smile",
    "$param",
    "_",
    "__",
    "_a_",
    "a\\_",
    "w'x*'",
    "*",
    "-",
    "5",
    "-5.5",
    "true",
    "false",
    "ismissing(@n)",
    "]=>[KNN 3 @v $q]",
]
TEXTS = [
    "hello world",
    "world, hello",
    "hello wide world",
    "helloworld",
    "say: hello-world!",
    "under_score and more",
    "me@home.org writes",
    "5 apples, 50% off",
    "été à Zürich",
    "東京 タワー",
    "the end of it",
    "line\nbreak",
    "back\\slash \\- end\\",
    "nul\x01inside",
    "_ alone",
    "or and not",
    "",
    *(f"left{c}right" for c in PRINTABLE),
]


def documents():
    chance = random.Random(7)
    for number in range(max(len(NAMES), len(TEXTS)) * 2):
        fields = {
            "name": NAMES[number % len(NAMES)],
            "text": TEXTS[number % len(TEXTS)],
            "more": chance.choice(TEXTS),
            "n": chance.choice([-5, -1.5, 0, 0.1, 1, 2, 3.25, 30, 1e22, 2**53]),
            "flag": chance.choice(["true", "false"]),
            "place": f"{chance.uniform(-20, 20)},{chance.uniform(-20, 20)}",
            "v": struct.pack("<2f", chance.uniform(-1, 1), chance.uniform(-1, 1)),
        }
        if number % 5 == 0:
            del fields["n"]
        yield f"d:{number}", fields


DOCUMENTS = dict(documents())


@pytest.fixture(scope="module")
def search(server_pool):
    """Load the documents once; give a function that searches by a condition."""
    with redis.Redis.from_url(server_pool.get("stack74").url, protocol=2) as client:
        client.flushall()
        client.execute_command(
            "FT.CREATE", "idx", "ON", "HASH", "PREFIX", 1, "d:", "STOPWORDS", 0, "SCHEMA",
            "name", "TAG", "SEPARATOR", SEPARATOR, "CASESENSITIVE",
            "text", "TEXT", "NOSTEM", "WITHSUFFIXTRIE", "more", "TEXT", "NOSTEM",
            "n", "NUMERIC", "INDEXMISSING", "flag", "TAG", "place", "GEO",
            "v", "VECTOR", "FLAT", 6, "TYPE", "FLOAT32", "DIM", 2, "DISTANCE_METRIC", "L2",
        )  # fmt: skip
        for key, fields in DOCUMENTS.items():
            client.hset(key, mapping=fields)

        def found(query, limit=10_000):
            params = [word for item in query.params.items() for word in item]
            words = ["PARAMS", len(params), *params] if params else []
            reply = client.execute_command(
                "FT.SEARCH", "idx", query.to_redis(), "NOCONTENT", "LIMIT", 0, limit, *words,
                "TIMEOUT", 0, "DIALECT", query.dialect,
            )  # fmt: skip
            return {key.decode() for key in reply[1:]}

        yield found
        client.flushall()


def naive(condition):
    return {key for key, fields in DOCUMENTS.items() if condition(fields)}


def words(text):
    """The words of a text, split at punctuation and spaces, in lower case."""
    # RediSearch keeps no control characters, so that words around a line break become one.
    kept = "".join(c for c in text.lower() if c.isprintable())
    return [w for w in re.split(r"[^\w\\]+", kept) if w]


@pytest.mark.parametrize("name", sorted({*NAMES, "nowhere", "x", "two", "words"}))
def test_equality_of_any_text(search, name):
    # The server strips the spaces around a tag.
    expected = naive(lambda d: d["name"].strip() == name.strip())
    assert search(col("name") == name) == expected
    assert search(col("name") != name) == DOCUMENTS.keys() - expected
    assert search(col("name").has_tag(name)) == expected


def test_many_tags(search):
    for some in ([], ["a|b", "a", "two words"], NAMES[:7], NAMES):
        wanted = {name.strip() for name in some}
        expected = naive(lambda d, wanted=wanted: d["name"].strip() in wanted)
        assert search(col("name").is_in(some)) == expected
        assert search(col("name").has_any_tag(some)) == expected


@pytest.mark.parametrize("bound", [-5, -1.5, 0, 0.1, 1, 2.5, 3.25, 30, 1e22, math.inf, -math.inf])
def test_numbers(search, bound):
    def numbers(condition):
        return naive(lambda d: "n" in d and condition(d["n"]))

    assert search(col("n") > bound) == numbers(lambda n: n > bound)
    assert search(col("n") >= bound) == numbers(lambda n: n >= bound)
    assert search(col("n") < bound) == numbers(lambda n: n < bound)
    assert search(col("n") <= bound) == numbers(lambda n: n <= bound)
    assert search(col("n") == bound) == numbers(lambda n: n == bound)
    assert search(col("n") != bound) == DOCUMENTS.keys() - numbers(lambda n: n == bound)
    assert search(col("n").is_between(bound, 3)) == numbers(lambda n: bound <= n <= 3)
    assert search(col("n").is_in([bound, 2, 7])) == numbers(lambda n: n in (bound, 2, 7))


def test_booleans_and_missing_fields(search):
    assert search(col("flag") == True) == naive(lambda d: d["flag"] == "true")  # noqa: E712
    assert search(col("flag").is_in([True, False])) == DOCUMENTS.keys()
    assert search(col("n").is_null()) == naive(lambda d: "n" not in d)
    assert search(col("n").is_not_null()) == naive(lambda d: "n" in d)


@pytest.mark.parametrize(
    "text",
    [*(text for text in TEXTS if words(text)), "hello", "world hello", "score", "left right"],
)
def test_words(search, text):
    wanted = words(text)
    assert search(col("text").contains(text)) == naive(
        lambda d: set(wanted) <= set(words(d["text"]))
    )
    assert search(cols("text", "more").contains(text)) == naive(
        lambda d: set(wanted) <= set(words(d["text"]) + words(d["more"]))
    )


@pytest.mark.parametrize("part", ["he", "wor", "under_s", "wide wo", "le", "ür", "zü", "éta"])
def test_parts_of_words(search, part):
    *before, last = words(part)
    first, *after = words(part)

    def some(condition):
        return naive(lambda d: any(condition(word) for word in words(d["text"])))

    assert search(col("text").starts_with(part)) == some(lambda w: w.startswith(last)) & naive(
        lambda d: set(before) <= set(words(d["text"]))
    )
    assert search(col("text").ends_with(part)) == some(lambda w: w.endswith(first)) & naive(
        lambda d: set(after) <= set(words(d["text"]))
    )
    if not after:
        assert search(col("text").contains_substring(part)) == some(lambda w: part in w)


@pytest.mark.parametrize(
    ("glob", "regex"),
    [
        ("h?llo", "h.llo"),
        ("*ld", ".*ld"),
        ("w*d", "w.*d"),
        ("hello", "hello"),
        ("under_*", "under_.*"),
    ],
)
def test_wildcards(search, glob, regex):
    expected = naive(lambda d: any(re.fullmatch(regex, word) for word in words(d["text"])))
    assert expected
    assert search(col("text").matches(glob)) == expected
    assert search(col("text").matches_exact(glob)) == expected


def test_phrases(search):
    # RediSearch does not tell positions in one field from those in another: such documents are
    # left out here.
    clear = naive(lambda d: not {"hello", "world"} & set(words(d["more"])))

    def follows(first, second, most, *, in_order):
        def fits(d):
            found = list(enumerate(words(d["text"])))
            gaps = [j - i for i, a in found for j, b in found if (a, b) == (first, second)]
            return any(abs(gap) <= most + 1 and (gap > 0 or not in_order) for gap in gaps)

        return naive(fits) & clear

    def phrase(*some, **options):
        return search(col("text").phrase(*some, **options)) & clear

    exact = phrase("hello", "world")
    assert exact == follows("hello", "world", 0, in_order=True)
    assert exact == phrase("hello world")
    loose = phrase("hello", "world", slop=1, inorder=True)
    assert loose == follows("hello", "world", 1, in_order=True)
    any_order = phrase("hello", "world", slop=0)
    assert any_order == follows("hello", "world", 0, in_order=False)
    assert exact < loose
    assert exact < any_order


def test_fuzzy(search):
    assert search(col("text").fuzzy("hallo")) == naive(lambda d: "hello" in words(d["text"]))
    assert search(col("text").fuzzy("hxxlo", 1)) == set()
    assert search(col("text").fuzzy("hxxlo", 2)) == naive(lambda d: "hello" in words(d["text"]))


def test_places(search):
    def kilometres(place, lon, lat):
        east, north, east2, north2 = map(math.radians, (*map(float, place.split(",")), lon, lat))
        part = math.sin((north2 - north) / 2) ** 2
        part += math.cos(north) * math.cos(north2) * math.sin((east2 - east) / 2) ** 2
        return 2 * 6372.797560856 * math.asin(math.sqrt(part))

    for unit, factor in (("km", 1), ("m", 1000), ("mi", 0.621371), ("ft", 3280.84)):
        found = search(col("place").within_radius(1.5, -2.25, 900 * factor, unit))
        assert found == naive(lambda d: kilometres(d["place"], 1.5, -2.25) <= 900)


def test_combinations(search):
    parts = [
        (col("n") > 0, lambda d: d.get("n", -1) > 0),
        (
            col("name").is_in(NAMES[:60]),
            lambda d: d["name"].strip() in {n.strip() for n in NAMES[:60]},
        ),
        (col("text").contains("hello"), lambda d: "hello" in words(d["text"])),
        (col("flag") != True, lambda d: d["flag"] != "true"),  # noqa: E712
        (raw("@flag:{true} | @n:[0 1]"), lambda d: d["flag"] == "true" or 0 <= d.get("n", -1) <= 1),
        (match_none(), lambda d: False),
        (match_all(), lambda d: True),
        (col("text").contains("left").boost(2), lambda d: "left" in words(d["text"])),
    ]
    parts = [(query, naive(condition)) for query, condition in parts]
    everything = DOCUMENTS.keys()
    for (a, in_a), (b, in_b), (c, in_c) in itertools.permutations(parts, 3):
        assert search(a & b & c) == in_a & in_b & in_c
        assert search(a | (b & c)) == in_a | (in_b & in_c)
        assert search((a | b) & c) == (in_a | in_b) & in_c
    for (a, in_a), (b, in_b) in itertools.permutations(parts[:6], 2):
        assert search(~(a | b)) == everything - (in_a | in_b)
        assert search(~(a & b) & match_all()) == everything - (in_a & in_b)
        assert search(a & b.optional()) == in_a
        assert search(a & ~b & ~~b) == set()


def test_vectors(search):
    def distance(d):
        x, y = struct.unpack("<2f", d["v"])
        return (x - 0.25) ** 2 + (y + 0.5) ** 2

    at = [0.25, -0.5]
    ordered = sorted(DOCUMENTS, key=lambda key: distance(DOCUMENTS[key]))
    assert search(col("v").knn(3, vector=at)) == set(ordered[:3])
    positive = [key for key in ordered if DOCUMENTS[key].get("n", -1) > 0]
    assert search((col("n") > 0) & col("v").knn(5, "q", vector=at)) == set(positive[:5])
    hello = (col("text").contains("hello") | col("text").contains("left")) & ~(col("n") == 1)
    wanted = [
        key
        for key in ordered
        if {"hello", "left"} & set(words(DOCUMENTS[key]["text"])) and DOCUMENTS[key].get("n") != 1
    ]
    assert search(hello & col("v").knn(4, vector=at)) == set(wanted[:4])
    near = naive(lambda d: distance(d) <= 0.3)
    assert search(col("v").vector_range(0.3, vector=at)) == near
    assert search(col("v").vector_range(0.3, vector=at) & (col("n") > 0)) == near & set(positive)


def test_polygons(stack74):
    with redis.Redis.from_url(stack74.url, protocol=2) as client:
        client.execute_command("FT.CREATE", "shapes", "SCHEMA", "g", "GEOSHAPE", "FLAT")
        client.hset("in", mapping={"g": "POINT(1 1)"})
        client.hset("out", mapping={"g": "POINT(5 5)"})
        query = col("g").within_polygon([(0, 0), (0, 2), (2, 2), (2, 0)])
        reply = client.execute_command(
            "FT.SEARCH", "shapes", query.to_redis(), "NOCONTENT",
            "PARAMS", 2, *next(iter(query.params.items())), "TIMEOUT", 0, "DIALECT", 3,
        )  # fmt: skip
        assert reply == [1, b"in"]


def test_an_empty_tag(stack74):
    with redis.Redis.from_url(stack74.url, protocol=2) as client:
        client.execute_command("FT.CREATE", "tags", "SCHEMA", "s", "TAG", "INDEXEMPTY")
        client.hset("empty", mapping={"s": ""})
        client.hset("full", mapping={"s": "a"})
        for query, keys in (
            (col("s") == "", {b"empty"}),
            (col("s") != "", {b"full"}),
            (col("s").is_in(["", "a"]), {b"empty", b"full"}),
        ):
            reply = client.execute_command(
                "FT.SEARCH", "tags", query.to_redis(), "NOCONTENT", "TIMEOUT", 0, "DIALECT", 2
            )
            assert set(reply[1:]) == keys
