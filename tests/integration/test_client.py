"""Clients against real servers: users, databases, both protocols, sockets, TLS, trouble."""

import contextlib
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import types

import pytest

from gearframe.client import Client, as_client, connect
from gearframe.exceptions import (
    AuthenticationError,
    OptionError,
    PermissionDeniedError,
    ReplyError,
    ServerConnectionError,
    ServerTimeoutError,
)
from tests.servers.guarded import PASSWORD
from tests.servers.patience import PATIENCE, connect_impatiently, patiently, wait_until


@pytest.fixture
def client(guarded):
    with guarded.connect() as client:
        yield client


def test_who_answers(guarded, client):
    assert guarded.name.startswith(client.server.name)
    assert client.server.version[0].isdigit()
    assert client.server.mode == "standalone"
    assert client.protocol == 3
    assert client.ping() is True


def test_resp2(guarded):
    with guarded.connect(protocol=2) as client, guarded.connect() as three:
        assert client.protocol == 2
        assert client.server == three.server
        assert client.execute("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"0"]


def test_replies(client):
    client.execute("DEL", "h", "z", "s")
    assert client.execute("HSET", "h", "a", 1, b"b", 2.5) == 2
    assert client.execute("HGETALL", "h") == {b"a": b"1", b"b": b"2.5"}
    assert client.execute("ZADD", "z", 1.5, "m") == 1
    assert client.execute("ZSCORE", "z", "m") == 1.5
    assert client.execute("SADD", "s", memoryview(b"x")) == 1
    assert client.execute("SMEMBERS", "s") == [b"x"]
    assert client.execute("GET", "missing") is None
    assert client.execute("SET", "k", b"\x00\xff\r\n") == b"OK"
    assert client.execute("GET", "k") == b"\x00\xff\r\n"
    assert client.execute("EVAL", "redis.setresp(3); return true", 0) in (True, 1)


def test_a_large_reply(client):
    value = os.urandom(1 << 20) * 24
    client.execute("SET", "large", value)
    assert client.execute("GET", "large") == value
    client.execute("DEL", "large")


def test_errors_inside_an_array_are_values(client):
    client.execute("MULTI")
    client.execute("SET", "text", "x")
    client.execute("INCR", "text")
    ok, error = client.execute("EXEC")
    assert ok == b"OK"
    assert isinstance(error, ReplyError)
    assert "not an integer" in str(error)


def test_an_error_leaves_the_connection_in_use(client):
    number = client.execute("CLIENT", "ID")
    with pytest.raises(ReplyError, match="NOSUCH: the server answered «ERR unknown command"):
        client.execute("nosuch", "x")
    assert client.execute("CLIENT", "ID") == number


def test_dbsize_and_db(guarded):
    with guarded.connect(db=3) as three, guarded.connect(db=4) as four:
        for client in (three, four):
            client.execute("FLUSHDB")
        three.execute("SET", "k", "v")
        assert three.dbsize() == 1
        assert four.dbsize() == 0
    with pytest.raises(OptionError, match="db=9999"):
        guarded.connect(db=9999)


def test_client_name(guarded):
    with guarded.connect(client_name="report-7") as named, guarded.connect() as default:
        names = default.execute("CLIENT", "LIST").decode()
        assert " name=report-7 " in names
        assert " name=gearframe " in names
        assert named.execute("CLIENT", "GETNAME") == b"report-7"
    with guarded.connect(client_name=None, protocol=2) as nameless:
        assert not nameless.execute("CLIENT", "GETNAME")


@pytest.mark.parametrize("protocol", [2, 3])
def test_wrong_password(guarded, protocol):
    with pytest.raises(AuthenticationError, match="refused the user «default»") as caught:
        guarded.connect(password="wr0ng", protocol=protocol, retries=3)
    assert "wr0ng" not in str(caught.value)
    assert "attempts" not in str(caught.value)


@pytest.mark.parametrize("protocol", [2, 3])
def test_no_password(guarded, protocol):
    with pytest.raises(AuthenticationError, match="password"):
        guarded.connect(password=None, protocol=protocol)


@pytest.mark.parametrize("protocol", [2, 3])
def test_acl_user(guarded, client, protocol):
    rules = ["on", f">{PASSWORD}2", "~a:*", "+get", "+ping"]
    client.execute("ACL", "SETUSER", "ann", "reset", *rules)
    with guarded.connect(username="ann", password=PASSWORD + "2", protocol=protocol) as ann:
        assert ann.ping()
        assert ann.execute("GET", "a:1") is None
        with pytest.raises(PermissionDeniedError, match=r"GET: .*NOPERM"):
            ann.execute("GET", "b:1")
        with pytest.raises(PermissionError):
            ann.dbsize()


def test_acl_user_without_password(guarded, client):
    client.execute("ACL", "SETUSER", "open", "reset", "on", "nopass", "+@all")
    with guarded.connect(username="open", password=None) as opened:
        assert opened.execute("ACL", "WHOAMI") == b"open"


def test_unix_socket(guarded):
    with connect(f"unix://{guarded.path}", password=PASSWORD, db=2) as client:
        assert client.ping()
        assert client.options.label == f"unix:{guarded.path}"
        assert client.url == f"unix://{guarded.path}?db=2"


def test_arguments_win_over_the_url(guarded):
    url = f"redis://nobody:wr0ng@{guarded.host}:{guarded.port}/7?client_name=one"
    with connect(url, username=None, password=PASSWORD, client_name="two") as client:
        assert client.options.db == 7
        assert client.execute("CLIENT", "GETNAME") == b"two"


def test_the_password_is_nowhere(guarded, client):
    encoded = "s3cret%2F%40%3A%C3%A9"
    with connect(f"redis://:{encoded}@{guarded.host}:{guarded.port}") as other:
        shown = [repr(other), str(other), other.url, repr(other.options), repr(vars(other))]
    assert not any("s3cret" in text for text in shown)
    assert repr(client).startswith(f"<gearframe.Client redis://{guarded.host}:{guarded.port} (")


def test_a_killed_connection_is_replaced(guarded, client):
    number = client.execute("CLIENT", "ID")
    with guarded.connect() as killer:
        killer.execute("CLIENT", "KILL", "ID", number)
        wait_until(lambda: f"id={number} " not in listed(killer))
    assert client.execute("CLIENT", "ID") != number


def test_a_time_out_does_not_mix_up_replies(guarded):
    url = f"redis://{guarded.host}:{guarded.port}"
    with connect_impatiently(url, password=PASSWORD, read_timeout=0.2) as client:
        for text in (b"one", b"two", b"three"):
            with pytest.raises(ServerTimeoutError, match=r"silent for 0\.2 s"):
                client.execute("BLPOP", "never", 0)
            assert patiently(lambda: client.execute("ECHO", text)) == text  # noqa: B023


def test_closing(guarded):
    client = guarded.connect()
    client.close()
    client.close()
    assert "closed" in repr(client)
    for use in (client.ping, client.__enter__, lambda: as_client(client)):
        with pytest.raises(OptionError, match="is closed; connect again"):
            use()


def test_closing_ends_a_wait(guarded):
    client = guarded.connect(client_name="waits-for-ever", read_timeout=3600)

    def close():
        wait_until_blocked(guarded, "waits-for-ever")
        client.close()

    closing = threading.Thread(target=close)
    closing.start()
    with pytest.raises(Exception, match="cancelled"):
        client.execute("BLPOP", "never", 0)
    closing.join()


def listed(client):
    return client.execute("CLIENT", "LIST").decode()


def wait_until_blocked(guarded, name):
    """Wait until the client of this name waits for an element that never comes."""
    waiting = re.compile(rf" name={name} .* cmd=blpop ")
    with guarded.connect() as other:
        wait_until(lambda: waiting.search(listed(other)))


def test_threads_share_a_client(client):
    def work(number):
        for i in range(100):
            text = f"{number}:{i}"
            assert client.execute("ECHO", text) == text.encode()

    failures = []
    threads = [threading.Thread(target=_kept(work, failures), args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def _kept(work, failures):
    def run(number):
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    return run


def test_pickle(guarded, client):
    with pickle.loads(pickle.dumps(client)) as copy:
        assert copy.options == client.options
        assert copy.execute("CLIENT", "ID") != client.execute("CLIENT", "ID")


def test_as_client(guarded, client):
    assert as_client(client) is client
    url = f"redis://:s3cret%2F%40%3A%C3%A9@{guarded.host}:{guarded.port}"
    with as_client(url) as other:
        assert isinstance(other, Client)
    with pytest.raises(OptionError, match=r"expected a Client or a URL .* not int"):
        as_client(3)


def test_bad_arguments(client):
    for bad in (None, True, ["GET"], object()):
        with pytest.raises(OptionError, match="must be str, bytes, int or float"):
            client.execute("GET", bad)
    with pytest.raises(OptionError, match="UTF-8"):
        client.execute("GET", "\ud800")
    with pytest.raises(OptionError, match="a command needs a name"):
        client.execute()


def test_ctrl_c(guarded):
    code = f"""
        from gearframe.client import connect
        client = connect("redis://{guarded.host}:{guarded.port}", password={PASSWORD!r},
                         client_name="to-be-interrupted", read_timeout=3600)
        try:
            client.execute("BLPOP", "never", 0)
        except KeyboardInterrupt:
            print("interrupted", client.execute("ECHO", "alive"))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_until_blocked(guarded, "to-be-interrupted")
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=PATIENCE)[0] == "interrupted b'alive'\n"
        finally:
            process.kill()


def test_a_forked_child_opens_its_own(guarded, client):
    number = client.execute("CLIENT", "ID")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.write(writing, str(client.execute("CLIENT", "ID")).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert int(pipe.read()) != number
    assert client.execute("CLIENT", "ID") == number


def test_unreachable():
    with pytest.raises(ServerConnectionError) as caught:
        connect("redis://:s3cret@127.0.0.1:1", retries=2, backoff=0.01)
    message = str(caught.value)
    assert re.fullmatch(
        r"cannot connect to 127\.0\.0\.1:1: connection refused, after 3 attempts in \d+\.\d+ s"
        r"; is the server running there\?",
        message,
    )


def test_a_server_that_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(ServerTimeoutError, match="read_timeout"):
            connect(f"redis://127.0.0.1:{port}", read_timeout=0.2, retries=0)


def test_no_such_socket(tmp_path):
    with pytest.raises(ServerConnectionError, match="no such file"):
        connect(f"unix://{tmp_path}/none", retries=0)
    with pytest.raises(OptionError, match="fewer than 100 bytes"):
        connect(f"unix:///{'x' * 200}", retries=0)


class FakeEmbedded:
    """Stands for the embedded server: records what is done to it."""

    made: list = []  # noqa: RUF012

    def __init__(self, data_dir=None):
        self.data_dir, self.is_closed = data_dir, False
        FakeEmbedded.made.append(self)

    def close(self):
        self.is_closed = True


@pytest.fixture
def embedded(guarded, monkeypatch):
    module = types.ModuleType("gearframe.embedded")
    module.EmbeddedServer = FakeEmbedded
    FakeEmbedded.url = f"unix://{guarded.path}"
    monkeypatch.setitem(sys.modules, "gearframe.embedded", module)
    FakeEmbedded.made.clear()
    return FakeEmbedded.made


def test_without_url_a_server_is_started(embedded):
    client = connect(password=PASSWORD, data_dir="/data")
    assert client.ping()
    assert embedded[0].data_dir == "/data"
    with pytest.raises(OptionError, match="cannot be pickled"):
        pickle.dumps(client)
    client.close()
    assert embedded[0].is_closed


def test_a_server_started_in_vain_is_stopped(embedded):
    with pytest.raises(AuthenticationError):
        connect(password="wr0ng")
    assert embedded[0].is_closed


def test_data_dir_is_for_the_embedded_server():
    with pytest.raises(OptionError, match="data_dir"):
        connect("redis://h", data_dir="/data")
