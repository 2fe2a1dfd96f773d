"""Ctrl-C at any moment of a query: one KeyboardInterrupt, no report, and the next run is well."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
import redis

from tests.integration.pressed import queries
from tests.servers.patience import PATIENCE

pytestmark = pytest.mark.servers("valkey91")

# Which of the calls are tried: drawing a bar makes thousands.
STEPS = {"progress": 5, "write with progress": 5}
NAMES = (
    "scan", "filter", "streaming", "progress", "keys", "lists", "write", "write with progress",
    "gear", "connect",
)  # fmt: skip


@pytest.fixture(scope="module")
def filled(server_pool: object) -> Iterator[str]:
    server = server_pool.get("valkey91")  # type: ignore[attr-defined]
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        for number in range(20):
            client.hset(f"user:{number}", mapping={"a": number, "b": "text"})
        client.rpush("list:1", "a", "b")
        yield server.url
        client.flushall()


def test_all_queries_are_tried(filled: str) -> None:
    assert set(queries(filled)) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_ctrl_c_at_any_call(filled: str, name: str) -> None:
    found = pressed(filled, name, STEPS.get(name, 1))
    assert found["calls"] > 100
    assert found["wrong"] == []


def pressed(url: str, name: str, step: int) -> dict[str, object]:
    program = ["-m", "tests.integration.pressed", url, name, str(step)]
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", *program],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=5 * PATIENCE,
        check=True,
    )
    found: dict[str, object] = json.loads(ended.stdout)
    return found


def test_ctrl_c_while_the_bar_is_imported(filled: str) -> None:
    program = """
        import signal, sys
        signal.signal(signal.SIGINT, signal.default_int_handler)
        import gearframe as gf
        from gearframe.io.progress import ProgressBar

        class Pressing:
            # Asked first for each module that is imported.
            def find_spec(self, name, path, target=None):
                if name.startswith("rich."):
                    signal.raise_signal(signal.SIGINT)

        assert "rich.progress" not in sys.modules
        sys.meta_path.insert(0, Pressing())
        try:
            ProgressBar("scan", 10)
        except KeyboardInterrupt:
            assert "rich.progress_bar" in sys.modules
        else:
            raise AssertionError("not interrupted")
        """
    code = "\n".join(line.removeprefix("        ") for line in program.splitlines())
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
