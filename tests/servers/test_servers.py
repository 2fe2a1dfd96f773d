"""The servers and their fixtures keep their promises."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import psutil
import pytest
import redis

from gearframe.embedded.module import module_path
from tests.servers.catalog import MAKERS, find
from tests.servers.fixtures import FreshServer, require
from tests.servers.patience import wait_until
from tests.servers.server import Server, ServerError

every_server = pytest.mark.servers(*MAKERS)


@every_server
def test_answers_ping(redis_client: redis.Redis) -> None:
    assert redis_client.ping() is True


@every_server
def test_version_is_what_the_catalog_says(server: Server, redis_client: redis.Redis) -> None:
    info = redis_client.info("server")
    # Valkey reports under redis_version the Redis release that it is compatible with.
    version = info.get("valkey_version", info["redis_version"])
    assert version.startswith(server.entry.version + ".")


def test_stack_has_its_modules(stack74: Server) -> None:
    with redis.Redis.from_url(stack74.url, decode_responses=True, protocol=2) as client:
        names = {module["name"] for module in client.module_list()}
        assert names == {"search", "ReJSON", "timeseries", "bf"}
        assert client.json().set("doc", "$", {"a": 1}) is True
        assert client.ts().add("series", 1000, 2.5) == 1000
        assert client.bf().add("filter", "a") == 1
        assert client.execute_command("FT._LIST") == []


@pytest.mark.servers("valkey91_modules", "redis82_modules")
def test_modules_of_the_stack_are_loaded(redis_client: redis.Redis) -> None:
    names = {module[b"name"] for module in redis_client.module_list()}
    assert names - {b"lua", b"vectorset"} == {b"search", b"ReJSON", b"timeseries", b"bf"}


@pytest.mark.servers("valkey91_modules", "redis82_modules")
def test_documents_are_freed_where_they_were_made(redis_client: redis.Redis) -> None:
    lazy = redis_client.config_get("lazyfree-lazy-*")
    assert lazy["lazyfree-lazy-user-flush"] == "no"
    assert set(lazy.values()) == {"no"}


def test_json_servers_have_json(json_url: str) -> None:
    with redis.Redis.from_url(json_url, decode_responses=True, protocol=3) as client:
        # Not client.json(), which would parse the replies of this client from then on.
        assert client.execute_command("JSON.SET", "doc", "$", '{"a": 1}') == "OK"
        assert client.type("doc") == "ReJSON-RL"
        assert client.execute_command("JSON.GET", "doc", "$.a") == "[1]"
        assert client.execute_command("JSON.GET", "doc", "$.b") == "[]"
        assert client.execute_command("JSON.GET", "none", "$.a") is None
        client.set("text", "{}")
        with pytest.raises(redis.ResponseError, match="Existing key has wrong Redis type"):
            client.execute_command("JSON.GET", "text", "$")


def test_timeseries_servers_have_time_series(timeseries_url: str) -> None:
    with redis.Redis.from_url(timeseries_url, decode_responses=True, protocol=2) as client:
        assert client.execute_command("TS.ADD", "series", "1000", "0.1") == 1000
        assert client.type("series") == "TSDB-TYPE"
        assert client.execute_command("TS.RANGE", "series", "-", "+") == [[1000, "1E-1"]]
        with pytest.raises(redis.ResponseError, match="the key does not exist"):
            client.execute_command("TS.RANGE", "none", "-", "+")


def test_gears_servers_have_the_module(module_server: Server, module_url: str) -> None:
    assert module_server.entry.name.endswith("_gears")
    assert loaded_arguments(module_url) == [b"Python", sys.executable.encode()]


def test_fresh_server_with_the_module(fresh_server: FreshServer) -> None:
    url = fresh_server("redis82", gears={"MaxExecutions": 7}).url
    assert loaded_arguments(url)[2:] == [b"MaxExecutions", b"7"]
    assert loaded_arguments(fresh_server("valkey91", gears=True).url)[2:] == []


def loaded_arguments(url: str) -> list[bytes]:
    with redis.Redis.from_url(url, protocol=2) as client:
        path = str(module_path()).encode()
        return next(each[b"args"] for each in client.module_list() if each[b"path"] == path)


@pytest.mark.parametrize("time", ["first", "second"])
def test_no_documents_are_left_from_another_test(json_url: str, time: str) -> None:
    with redis.Redis.from_url(json_url) as client:
        assert client.dbsize() == 0
        client.json().set("left behind by", "$", time)


@pytest.mark.parametrize("time", ["first", "second"])
def test_no_series_are_left_from_another_test(timeseries_url: str, time: str) -> None:
    with redis.Redis.from_url(timeseries_url) as client:
        assert client.dbsize() == 0
        client.ts().create(f"left behind by {time}")


@pytest.mark.parametrize("time", ["first", "second"])
def test_no_keys_are_left_from_another_test(redis_client: redis.Redis, time: str) -> None:
    assert redis_client.dbsize() == 0
    redis_client.set("left behind by", time)


@pytest.mark.parametrize("name", ["valkey91", "redis82"])
@pytest.mark.parametrize("unix", [False, True])
def test_stop_leaves_no_process_and_no_folder(name: str, unix: bool) -> None:
    require(name)
    with Server(name, unix=unix) as server:
        pid, folder = server.pid, server.folder
        assert folder is not None
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid)
    assert not folder.exists()
    assert "Ready to accept connections" in server.log()


def test_paused_server_is_stopped_too() -> None:
    require("valkey91")
    with Server("valkey91") as server:
        pid = server.pid
        server.pause()
        assert psutil.Process(pid).status() == psutil.STATUS_STOPPED
    assert not psutil.pid_exists(pid)


def test_resumed_server_answers(fresh_server: FreshServer) -> None:
    server = fresh_server()
    server.pause()
    server.resume()
    with redis.Redis.from_url(server.url) as client:
        assert client.ping() is True


def test_killed_server_starts_again_with_its_data(fresh_server: FreshServer) -> None:
    server = fresh_server(appendonly="yes", appendfsync="always")
    with redis.Redis.from_url(server.url) as client:
        client.set("key", "value")
    url = server.url
    server.kill()
    server.start()
    assert server.url == url
    with redis.Redis.from_url(server.url) as client:
        assert client.get("key") == b"value"


def test_fresh_server_has_its_options(fresh_server: FreshServer) -> None:
    server = fresh_server("redis82", maxmemory="7mb", requirepass="secret")
    with redis.Redis.from_url(server.url, password="secret") as client:
        assert client.info("memory")["maxmemory"] == 7 * 1024 * 1024


def test_fresh_server_has_its_users(fresh_server: FreshServer) -> None:
    server = fresh_server(users=["reader on >word ~app:* +@read", "other on nopass ~* +@all"])
    with redis.Redis.from_url(server.url, username="reader", password="word") as client:
        assert client.get("app:1") is None
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.set("app:1", "x")


def test_cluster_mode_works_on_a_high_port(fresh_server: FreshServer) -> None:
    server = fresh_server(cluster_enabled="yes")
    with redis.Redis.from_url(server.url) as client:
        assert client.info("cluster")["cluster_enabled"] == 1


def test_server_that_cannot_start_shows_its_log() -> None:
    require("valkey91")
    server = Server("valkey91", options={"no-such-option": "1"})
    with pytest.raises(ServerError, match="no-such-option"):
        server.start()
    assert server.folder is None


def test_unknown_server_names_the_known_ones() -> None:
    with pytest.raises(LookupError, match="known: valkey91, redis82, stack74, valkey91_modules"):
        find("redis99")


# -- the fixtures, seen from outside -------------------------------------------------------------

CONFTEST = "from tests.servers.fixtures import *\n"
WITHOUT_VALKEY = """
from tests.servers import catalog
catalog.MAKERS["valkey91"] = lambda: catalog.Entry("valkey91", "9.1", missing="lost at sea")
"""


def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, test: str) -> pytest.RunResult:
    """Run one test file in a process of its own."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    # What a killed run leaves behind is then removed with the rest.
    monkeypatch.setenv("TMPDIR", str(pytester.path))
    pytester.makepyfile(test)
    return pytester.runpytest_subprocess("-rs")


def test_log_is_shown_on_failure(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeconftest(CONFTEST)
    result = run(
        pytester,
        monkeypatch,
        """
        def test_shared(url): assert False
        def test_own(fresh_server):
            fresh_server("redis82")
            assert False
        def test_good(fresh_server): fresh_server()
        """,
    )
    result.assert_outcomes(failed=3, passed=1)
    text = result.stdout.str()
    assert text.count("log of <Server valkey91 redis://127.0.0.1:") == 1
    assert text.count("log of <Server redis82 redis://127.0.0.1:") == 2
    assert text.count("Ready to accept connections") == 3


DEATHS = """
import os, signal, pytest

def end(server, number):
    os.kill(server.pid, number)
    os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)

def test_unnoticed(fresh_server): end(fresh_server(), signal.SIGSEGV)
def test_noticed(fresh_server):
    end(fresh_server(), signal.SIGKILL)
    assert False, "the test has seen it"

@pytest.mark.servers("valkey91")
class TestShared:
    def test_shared(self, server, url): end(server, signal.SIGKILL)
    def test_next(self, server, url): assert server.running

def test_killed(fresh_server): fresh_server().kill()
def test_expected(fresh_server):
    server = fresh_server()
    server.may_end()
    end(server, signal.SIGTERM)
"""


def test_death_of_a_server_fails_its_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeconftest(CONFTEST)
    result = run(pytester, monkeypatch, DEATHS)
    result.assert_outcomes(failed=3, passed=3)
    text = result.stdout.str()
    assert "which died (signal SIGSEGV)" in text
    assert "BUG REPORT START" in text
    assert text.count("which died (signal SIGKILL)") == 2
    assert "the test has seen it" in text


def test_missing_server_skips(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    pytester.makeconftest(CONFTEST + WITHOUT_VALKEY)
    result = run(pytester, monkeypatch, "def test_it(url): pass")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines("SKIPPED*server valkey91: lost at sea")


def test_marker_chooses_among_servers_with_modules(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeconftest(CONFTEST)
    result = run(
        pytester,
        monkeypatch,
        """
        import pytest
        @pytest.mark.servers("valkey91_modules")
        def test_url(server, url): assert server.entry.name == "valkey91_modules"
        @pytest.mark.servers("redis82_modules")
        def test_json(json_server, json_url): assert json_server.entry.name == "redis82_modules"
        @pytest.mark.servers("valkey91_modules", "redis82_modules")
        def test_series(timeseries_url): assert timeseries_url.startswith("redis://")
        """,
    )
    result.assert_outcomes(passed=4)


def test_missing_server_fails_in_ci(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    pytester.makeconftest(CONFTEST + WITHOUT_VALKEY)
    result = run(pytester, monkeypatch, "def test_it(url): pass")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines("*server valkey91: lost at sea*")


def test_shared_servers_end_with_the_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeconftest(CONFTEST)
    result = run(
        pytester,
        monkeypatch,
        """
        import pathlib
        def test_it(server, url):
            with pathlib.Path("pids").open("a") as file:
                file.write(f"{server.pid} ")
        """,
    )
    result.assert_outcomes(passed=2)
    pids = (pytester.path / "pids").read_text().split()
    assert len(pids) == 2
    assert not any(psutil.pid_exists(int(pid)) for pid in pids)


def test_killed_run_leaves_no_server(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv (util-linux) ties servers to the run; it is not here")
    pytester.makeconftest(CONFTEST)
    run(
        pytester,
        monkeypatch,
        """
        import os, pathlib, signal
        def test_it(fresh_server):
            pathlib.Path("pid").write_text(str(fresh_server().pid))
            os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    pid = int((pytester.path / "pid").read_text())
    wait_until(lambda: _has_ended(pid))


def _has_ended(pid: int) -> bool:
    # In a container whose first process does not reap, an orphan stays as a zombie.
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
