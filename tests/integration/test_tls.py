"""TLS: authorities, host names, client certificates, and ports of the wrong kind."""

import asyncio
import dataclasses
import os
import ssl

import pytest
import redis
import trustme

from gearframe.client import connect
from gearframe.control import async_redis_client, redis_client, server_errors
from gearframe.exceptions import OptionError, ServerConnectionError
from tests.servers.guarded import PASSWORD, QUICK
from tests.servers.tls import TlsProxy


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
def tls(guarded, authority):
    """Connects through TLS proxies: `tls(names, wants_certificate)(**options)`."""
    proxies = []

    def start(name="127.0.0.1", *, wants_certificate=False, newest=ssl.TLSVersion.TLSv1_3):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = newest
        authority.issue_cert(name).configure_cert(context)
        if wants_certificate:
            authority.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        proxy = TlsProxy(context, guarded)
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


def test_tls_to_a_plain_port(guarded):
    with pytest.raises(ServerConnectionError, match="redis://"):
        connect(f"rediss://{guarded.host}:{guarded.port}", **QUICK | {"connect_timeout": 0.5})


def test_plain_to_a_tls_port(tls, files, guarded):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    proxy = TlsProxy(context, guarded)
    with pytest.raises(ServerConnectionError, match="rediss://"):
        connect(f"redis://127.0.0.1:{proxy.port}", **QUICK)
    proxy.listener.close()


def ping(control, label):
    """Ping through redis-py, blocking or in asyncio, with the errors of gearframe."""

    async def ask():
        async with control:
            return await control.ping()

    with server_errors(label):
        if isinstance(control, redis.Redis):
            with control:
                return control.ping()
        return asyncio.run(ask())


BOTH = pytest.mark.parametrize("make", [redis_client, async_redis_client])


class Reach:
    """A client with other options, which has verified nothing yet."""

    def __init__(self, client, **changes):
        self.options = dataclasses.replace(client.options, **changes)
        self.protocol = client.protocol


@BOTH
def test_control_expects_the_name_that_was_given(tls, files, make):
    name = "redis.example.org"
    with tls(name)(ca_file=files / "ca.pem", server_name=name) as client:
        assert ping(make(client), client.options.label)
    # The certificate is for the host, and another name is to be expected.
    with tls()(ca_file=files / "ca.pem") as client:
        assert ping(make(client), client.options.label)
        with pytest.raises(ServerConnectionError, match="certificate"):
            ping(make(Reach(client, server_name=name)), client.options.label)


@BOTH
def test_control_trusts_the_authorities_of_ca_file_alone(tls, files, make, monkeypatch):
    with tls()(ca_file=files / "ca.pem") as client:
        # Now the server's authority is one of the system's, and the caller trusts another.
        monkeypatch.setenv("SSL_CERT_FILE", str(files / "ca.pem"))
        assert ping(make(Reach(client, ca_file=None)), client.options.label)
        with pytest.raises(ServerConnectionError, match="certificate"):
            ping(make(Reach(client, ca_file=str(files / "other.pem"))), client.options.label)


@BOTH
def test_control_with_a_client_certificate(tls, files, make):
    own = {"cert_file": files / "cert.pem", "key_file": files / "key.pem"}
    with tls(wants_certificate=True)(ca_file=files / "ca.pem", **own) as client:
        assert ping(make(client), client.options.label)
    with tls("redis.example.org")(ca_file=files / "ca.pem", check_hostname=False) as client:
        assert ping(make(client), client.options.label)
