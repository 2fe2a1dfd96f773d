"""Time series and vector sets through a proxy that cuts and splits the replies at every byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import pytest
import redis
from polars.testing import assert_frame_equal

import gearframe as gf
from tests.servers.faults import CutAt, OneByteAtATime
from tests.servers.patience import PATIENCE
from tests.servers.proxy import FaultProxy

pytestmark = pytest.mark.servers("redis82_modules")

SCANS: dict[str, Callable[[gf.Client], pl.LazyFrame]] = {
    "samples": lambda client: client.scan_timeseries("s:*"),
    "labels": lambda client: client.scan_timeseries("s:*", labels=["city"], filters=["city=ams"]),
    "buckets": lambda client: client.scan_timeseries("s:*", aggregation="std.p", bucket=1000),
    "vectors": lambda client: client.scan_vectors("v:*", 3),
}


@pytest.fixture(params=SCANS)
def frame(request: pytest.FixtureRequest, proxied: gf.Client) -> pl.LazyFrame:
    return SCANS[request.param](proxied)


@pytest.fixture
def proxy(url: str) -> Iterator[FaultProxy]:
    with redis.Redis.from_url(url, protocol=2) as raw:
        for key in ("s:1", "s:2"):
            raw.execute_command("TS.CREATE", key, "LABELS", "city", "ams", "kind", "in")
            for n in range(3):
                raw.execute_command("TS.ADD", key, n * 700, n * 0.1)
        for member in ("a", "b"):
            raw.execute_command("VADD", "v:1", "VALUES", 3, 1, 0.25, -3, member)
            raw.execute_command("VADD", "v:2", "VALUES", 3, 1, 0.25, -3, member)
    # INFO server ends with the port; RESP2 has no other greeting.
    with FaultProxy(url, after=b"port=%s\r\n\r\n" % url.rpartition(":")[2].encode()) as proxy:
        yield proxy


@pytest.fixture
def proxied(proxy: FaultProxy) -> Iterator[gf.Client]:
    # Long enough for a loaded machine: no fault here waits for it to pass.
    with gf.connect(proxy.url, protocol=2, retries=0, read_timeout=PATIENCE) as client:
        yield client


def run(proxy: FaultProxy, frame: pl.LazyFrame, *faults: Any) -> pl.DataFrame | gf.GearframeError:
    proxy.inject(*faults)
    try:
        found = frame.collect()
    except gf.GearframeError as error:
        return error
    return found.sort(*found.columns[:2])


def test_a_cut_is_never_the_end(proxy: FaultProxy, frame: pl.LazyFrame) -> None:
    whole = run(proxy, frame)
    assert isinstance(whole, pl.DataFrame)
    assert whole.height >= 4
    size = gf.reports(frame)[0].bytes_read
    cuts = 0
    for place in range(size):
        found = run(proxy, frame, CutAt(place))
        if isinstance(found, gf.ServerConnectionError):
            cuts += 1
        else:
            # Behind the last reply; the greeting is counted with the bytes and not cut.
            assert_frame_equal(found, whole)
    assert cuts > 100


def test_byte_by_byte(proxy: FaultProxy, frame: pl.LazyFrame) -> None:
    assert_frame_equal(run(proxy, frame, OneByteAtATime()), run(proxy, frame))
