"""Connection options: defaults, checks, JSON for the native part, no password in sight."""

import json
import pickle
from pathlib import Path

import pytest

from gearframe._native import Connection
from gearframe.exceptions import OptionError
from gearframe.options import UNSET, ConnectOptions


def test_json_of_the_defaults():
    assert json.loads(ConnectOptions().to_json()) == {
        "endpoint": {"tcp": {"host": "127.0.0.1", "port": 6379}},
        "tls": None,
        "username": None,
        "password": None,
        "db": 0,
        "connect_timeout_ms": 5000,
        "read_timeout_ms": 60000,
        "retries": 3,
        "backoff_ms": 100,
        "max_backoff_ms": 2000,
        "client_name": "gearframe",
        "protocol": None,
    }


def test_json_of_a_socket():
    options = ConnectOptions(path="/run/r.sock")
    assert json.loads(options.to_json())["endpoint"] == {"unix": {"path": "/run/r.sock"}}


def test_json_of_tls():
    options = ConnectOptions(tls=True, ca_file=Path("/ca.pem"), check_hostname=False)
    assert json.loads(options.to_json())["tls"] == {
        "ca_file": "/ca.pem",
        "cert_file": None,
        "key_file": None,
        "check_hostname": False,
        "server_name": None,
    }


def test_a_tiny_time_out_is_not_none_at_all():
    assert json.loads(ConnectOptions(read_timeout=0.0015).to_json())["read_timeout_ms"] == 2


@pytest.mark.parametrize(
    "bad",
    [
        {"host": ""},
        {"host": "a b"},
        {"host": "[::1]"},
        {"host": 1},
        {"port": 0},
        {"port": 65536},
        {"port": "6379"},
        {"path": ""},
        {"path": "/a\0b"},
        {"path": "/a", "tls": True},
        {"tls": 1},
        {"ca_file": "/ca.pem"},
        {"check_hostname": False},
        {"server_name": "h"},
        {"tls": True, "cert_file": "/c"},
        {"tls": True, "key_file": "/k"},
        {"db": -1},
        {"db": True},
        {"db": 2**31},
        {"db": "0"},
        {"connect_timeout": 0},
        {"connect_timeout": -1},
        {"read_timeout": float("nan")},
        {"read_timeout": float("inf")},
        {"read_timeout": 1e12},
        {"read_timeout": "5"},
        {"read_timeout": None},
        {"retries": -1},
        {"retries": 1.5},
        {"backoff": -0.1},
        {"max_backoff": float("inf")},
        {"client_name": ""},
        {"client_name": "a b"},
        {"client_name": "é"},
        {"protocol": 4},
        {"protocol": "3"},
        {"password": b"s3cret"},
        {"password": "s3cret\ud800"},
    ],
)
def test_refused(bad):
    with pytest.raises(OptionError) as caught:
        ConnectOptions(**bad)
    name = list(bad)[-1]
    assert name in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_password_is_not_shown():
    options = ConnectOptions(username="ann", password="s3cret")
    assert "s3cret" not in repr(options)
    assert "s3cret" not in options.url
    assert options.url == "redis://ann@127.0.0.1:6379"


def test_label():
    assert ConnectOptions(host="::1", username="ann").label == "[::1]:6379"
    assert ConnectOptions(path="/r.sock").label == "unix:/r.sock"


def test_replace():
    options = ConnectOptions(password="s3cret").replace(db=2)
    assert (options.db, options.password) == (2, "s3cret")
    with pytest.raises(OptionError, match="no connection option 'datbase'; there are host, "):
        options.replace(datbase=2)
    with pytest.raises(OptionError, match="db must be"):
        options.replace(db=-2)


def test_options_are_values():
    options = ConnectOptions(password="s3cret")
    assert pickle.loads(pickle.dumps(options)) == options
    assert hash(options) == hash(options.replace())
    with pytest.raises(AttributeError):
        options.db = 3


def test_unset_is_not_none():
    assert UNSET is not None
    assert repr(UNSET) == "UNSET"
    assert pickle.loads(pickle.dumps(UNSET)) is UNSET


def test_the_native_part_knows_every_field():
    with pytest.raises(OptionError, match="unknown field `more`"):
        Connection(json.dumps(json.loads(ConnectOptions().to_json()) | {"more": 1}))
