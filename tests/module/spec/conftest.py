"""What the tests of the specification share: a client that sends scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.module.spec.speaker import Speaker


def _speaker(url: str, protocol: int) -> Iterator[Speaker]:
    found = Speaker(url, protocol)
    with found.client:
        yield found
        found.forget()


@pytest.fixture
def gears(module_url: str) -> Iterator[Speaker]:
    """A client on each server, in RESP2."""
    yield from _speaker(module_url, 2)


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def both(request: pytest.FixtureRequest, module_url: str) -> Iterator[Speaker]:
    """A client on each server, in each protocol."""
    yield from _speaker(module_url, request.param)
