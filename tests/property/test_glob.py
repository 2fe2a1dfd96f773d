"""`gearframe.io.glob` against the servers' own matching."""

from __future__ import annotations

import pytest
import redis
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gearframe.io import glob

# Few characters, so that patterns and keys meet often.
KEYS = st.lists(st.sampled_from(list(b"ab-]^[\\*?\xff\n")), max_size=6).map(bytes)
PIECES = st.sampled_from(
    [b"a", b"b", b"*", b"?", b"[", b"]", b"[^", b"-", b"\\", b"^", b"[a-b]", b"[b-a]", b"[^a]",
     b"**", b"[\\]]", b"[a-", b"\xff", b"\n", b"[]", b"[^]", b"[\\", b"[a-\\]", b"[--]"]
)  # fmt: skip
PATTERNS = st.lists(PIECES, max_size=6).map(b"".join)


@pytest.fixture(scope="module")
def client(server):  # type: ignore[no-untyped-def]
    with redis.Redis.from_url(server.url, protocol=2) as client:
        yield client


@settings(max_examples=400)
@given(pattern=PATTERNS, keys=st.sets(KEYS, min_size=1, max_size=40))
@example(b"[", {b"", b"["})
@example(b"a\\", {b"a\\", b"a"})
@example(b"[a-", {b"a", b"-", b"[a-"})
def test_matches_as_the_server_does(client: redis.Redis, pattern: bytes, keys: set[bytes]) -> None:
    assume(glob.is_portable(pattern))
    client.flushdb()
    client.mset(dict.fromkeys(keys, 1))
    assert {key for key in keys if glob.matches(pattern, key)} == set(client.keys(pattern))


@settings(max_examples=200)
@given(literal=KEYS, keys=st.sets(KEYS, min_size=1, max_size=20))
def test_an_escaped_text_matches_itself_alone(
    client: redis.Redis, literal: bytes, keys: set[bytes]
) -> None:
    client.flushdb()
    client.mset(dict.fromkeys({*keys, literal}, 1))
    assert client.keys(glob.escape(literal)) == [literal]


@given(pattern=PATTERNS, keys=st.sets(KEYS, min_size=1, max_size=40))
def test_a_literal_prefix_begins_every_match(pattern: bytes, keys: set[bytes]) -> None:
    prefix, _ = glob.literal_prefix(pattern)
    assert all(key.startswith(prefix) for key in keys if glob.matches(pattern, key))


def test_many_stars_take_no_time() -> None:
    assert not glob.matches(b"*a" * 30 + b"*b", b"a" * 5000)
    assert glob.matches(b"*a" * 30 + b"*b", b"a" * 5000 + b"b")
