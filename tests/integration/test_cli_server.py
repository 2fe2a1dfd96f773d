"""``gearframe server`` and ``gearframe module-path``, as processes of their own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import redis

from gearframe.cli import main
from gearframe.embedded import EmbeddedServer, folders, module
from gearframe.exceptions import EmbeddedServerError
from tests.servers.catalog import find
from tests.servers.patience import PATIENCE
from tests.servers.server import free_port

PROGRAM = [sys.executable, "-c", "import sys; from gearframe.cli import main; sys.exit(main())"]


@contextmanager
def running(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command until it takes connections; give its process and its URL."""
    with subprocess.Popen(
        [*PROGRAM, "server", *map(str, arguments)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            log = ""
            while "Ready to accept connections" not in log:
                line = process.stdout.readline()
                assert line, f"the server has ended:\n{log}"
                log += line
            yield process, url
        finally:
            process.kill()


def has_module(client: redis.Redis) -> bool:
    path = str(module.module_path())
    return path in [loaded[b"path"].decode() for loaded in client.module_list()]


def test_module_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["module-path"]) == 0
    printed = Path(capsys.readouterr().out.strip())
    assert printed == module.module_path()
    assert printed.name == "libgearframe_module.so"
    assert printed.is_file()


def test_module_path_without_a_build(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FILE", "not_built.so")
    assert main(["module-path"]) == 2
    error = capsys.readouterr().err
    assert "not_built.so' does not exist" in error
    assert "pip install ." in error


def test_the_module_exports_its_entry_points_only() -> None:
    printed = subprocess.run(
        ["nm", "-D", "--defined-only", str(module.module_path())],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    # Others would be taken for the server's own, which has functions called RedisModule_*.
    names = {line.split()[-1] for line in printed.splitlines()}
    assert names - {"RedisModule_OnUnload"} == {"RedisModule_OnLoad"}


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_runs_until_a_signal(name: signal.Signals) -> None:
    with running() as (process, url):
        assert url.startswith("redis://127.0.0.1:")
        with redis.Redis.from_url(url) as client:
            assert client.ping() is True
            assert has_module(client)
            assert client.config_get("save") == {"save": ""}
        process.send_signal(name)
        assert process.wait(PATIENCE) == 0


def test_listens_on_the_loopback_interface_only() -> None:
    port = free_port()
    with running("--port", str(port)) as (process, url):
        assert url == f"redis://127.0.0.1:{port}"
        listening = [
            connection.laddr.ip
            for connection in psutil.Process(process.pid).net_connections()
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening == ["127.0.0.1"]


def test_unix_socket_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with running("--unix", path) as (_, url):
        assert url == f"unix://{path}"
        with redis.Redis.from_url(url) as client:
            assert client.info("server")["tcp_port"] == 0


def test_dir_keeps_the_data_and_is_held(tmp_path: Path) -> None:
    with running("--dir", tmp_path) as (process, url):
        with redis.Redis.from_url(url) as client:
            client.set("key", "value")
        with pytest.raises(EmbeddedServerError, match="in use by another embedded server"):
            folders.lock(tmp_path)
        process.terminate()
        process.wait(PATIENCE)
    with running("--dir", tmp_path) as (_, url), redis.Redis.from_url(url) as client:
        assert client.get("key") == b"value"


def test_more_arguments_win() -> None:
    more = ["--", "--maxmemory", "7mb", "--save", "60", "1"]
    with running(*more) as (_, url), redis.Redis.from_url(url) as client:
        assert client.config_get("maxmemory") == {"maxmemory": str(7 * 1024 * 1024)}
        assert client.config_get("save") == {"save": "60 1"}
        assert has_module(client)


def test_another_program() -> None:
    program = find("redis82").command[0]
    with running("--redis-server", program) as (_, url), redis.Redis.from_url(url) as client:
        assert client.info("server")["redis_version"].startswith("8.2.")
        assert has_module(client)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--redis-server", "/no/such/program"], "which is no program; expected the path"),
        (["--port", "70000"], "--port is 70000; expected 1 to 65535"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["server", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_embedded_server_has_the_module() -> None:
    with EmbeddedServer() as server, redis.Redis.from_url(server.url) as client:
        assert has_module(client)


def test_embedded_server_without_the_module() -> None:
    with EmbeddedServer(module=False) as server, redis.Redis.from_url(server.url) as client:
        assert not has_module(client)
    with pytest.raises(ValueError, match="module_options are for the module"):
        EmbeddedServer(module=False, module_options={"MaxExecutions": 1})


def test_embedded_server_names_a_missing_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILE", "not_built.so")
    with pytest.raises(EmbeddedServerError, match=r"not_built\.so' does not exist; it is built"):
        EmbeddedServer()
    with EmbeddedServer(module=False) as server:
        assert server.is_running()


def test_embedded_server_tells_of_a_refused_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / "damaged.so"
    damaged.write_bytes(b"no library")
    monkeypatch.setattr("gearframe.embedded.server.load_arguments", lambda _: [str(damaged)])
    with pytest.raises(EmbeddedServerError, match=r"(?s)damaged\.so.*EmbeddedServer\(module=False"):
        EmbeddedServer()
