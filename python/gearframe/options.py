"""How to reach a server: one value object, checked when it is made.

Parsing URLs belongs to ``gearframe.url``; opening connections to ``gearframe.client``.
"""

from __future__ import annotations

import enum
import json
import math
import os
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote, urlencode

from gearframe.exceptions import OptionError

PathLike: TypeAlias = str | os.PathLike[str]

_MAX_SECONDS = 10 * 365 * 24 * 3600.0
_TLS_ONLY = ("ca_file", "cert_file", "key_file", "server_name")


class Unset(enum.Enum):
    """The type of :data:`UNSET`, which stands for an argument that was not given."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectOptions:
    """How to reach a server, and how long to wait for it.

    Parameters
    ----------
    host : str, default "127.0.0.1"
        Name or address of the server; IPv6 without brackets.
    port : int, default 6379
        Port of the server.
    path : str, optional
        A Unix socket; ``host`` and ``port`` are not used then.
    tls : bool, default False
        Speak TLS.
    ca_file : path, optional
        Authorities to trust, in PEM. Without it, the system's.
    cert_file, key_file : path, optional
        The client's certificate and its private key, in PEM. Both or neither.
    check_hostname : bool, default True
        Whether the certificate must be for this host. Its chain is verified either way.
    server_name : str, optional
        The name to expect in the certificate, where it is not ``host``.
    username : str, optional
        ACL user; without it, the default user.
    password : str, optional
        Never part of ``repr``, ``url`` or a message.
    db : int, default 0
        Number of the database.
    connect_timeout : float, default 5.0
        Seconds for each attempt to connect, TLS included.
    read_timeout : float, default 60.0
        Seconds of complete silence after which the server is given up.
    retries : int, default 3
        Attempts to connect after the first. Commands are never sent twice.
    backoff : float, default 0.1
        Longest pause before the second attempt, in seconds. It doubles with each attempt, and
        the pause is a random part of it.
    max_backoff : float, default 2.0
        Longest pause of all, in seconds.
    client_name : str or None, default "gearframe"
        What ``CLIENT LIST`` shows; None sets no name.
    protocol : {2, 3}, optional
        RESP version to insist on. Without it, RESP3 where the server speaks it.

    Raises
    ------
    OptionError
        If a value is out of range, or values contradict each other.

    Examples
    --------
    >>> from gearframe.options import ConnectOptions
    >>> options = ConnectOptions(host="db.example", password="secret", db=2)
    >>> options.url
    'redis://db.example:6379/2'
    """

    host: str = "127.0.0.1"
    port: int = 6379
    path: str | None = None
    tls: bool = False
    ca_file: PathLike | None = None
    cert_file: PathLike | None = None
    key_file: PathLike | None = None
    check_hostname: bool = True
    server_name: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    db: int = 0
    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    retries: int = 3
    backoff: float = 0.1
    max_backoff: float = 2.0
    client_name: str | None = "gearframe"
    protocol: Literal[2, 3] | None = None

    def __post_init__(self) -> None:
        self._check_endpoint()
        self._check_tls()
        self._check_user()
        self._check_numbers()

    def replace(self, **changes: Any) -> ConnectOptions:
        """Return a copy with some values changed.

        Parameters
        ----------
        **changes
            Fields and their new values.

        Returns
        -------
        ConnectOptions

        Raises
        ------
        OptionError
            If a name is not a field, or a value is refused.
        """
        known = [f.name for f in fields(self)]
        for name in changes:
            if name not in known:
                msg = f"there is no connection option {name!r}; there are {', '.join(known)}"
                raise OptionError(msg)
        return replace(self, **changes)

    @property
    def label(self) -> str:
        """Where the server is, for messages: ``host:port`` or ``unix:/path``."""
        return f"unix:{self.path}" if self.path is not None else f"{self._host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL, with the user and without the password."""
        user = "" if self.username is None else f"{quote(self.username, safe='')}@"
        if self.path is not None:
            query = f"?{urlencode({'db': self.db})}" if self.db else ""
            return f"unix://{user}{quote(self.path)}{query}"
        scheme = "rediss" if self.tls else "redis"
        db = f"/{self.db}" if self.db else ""
        return f"{scheme}://{user}{self._host}:{self.port}{db}"

    def to_json(self) -> str:
        """Return the JSON that the native part reads. It holds the password."""
        tls = {
            "ca_file": _path(self.ca_file),
            "cert_file": _path(self.cert_file),
            "key_file": _path(self.key_file),
            "check_hostname": self.check_hostname,
            "server_name": self.server_name,
        }
        tcp = {"tcp": {"host": self.host, "port": self.port}}
        return json.dumps(
            {
                "endpoint": tcp if self.path is None else {"unix": {"path": self.path}},
                "tls": tls if self.tls else None,
                "username": self.username,
                "password": self.password,
                "db": self.db,
                "connect_timeout_ms": _milliseconds(self.connect_timeout),
                "read_timeout_ms": _milliseconds(self.read_timeout),
                "retries": self.retries,
                "backoff_ms": _milliseconds(self.backoff),
                "max_backoff_ms": _milliseconds(self.max_backoff),
                "client_name": self.client_name,
                "protocol": self.protocol,
            }
        )

    @property
    def _host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def _check_endpoint(self) -> None:
        _expect_text("host", self.host)
        if not self.host or any(c.isspace() or c in "/@[]" for c in self.host):
            msg = f"host must be a name or an address without port, not {self.host!r}"
            raise OptionError(msg)
        _expect_int("port", self.port, 1, 65535)
        if self.path is None:
            return
        _expect_text("path", self.path)
        if not self.path or "\0" in self.path:
            msg = f"path must be the path of a Unix socket, not {self.path!r}"
            raise OptionError(msg)
        if self.tls:
            msg = "a Unix socket takes no TLS: leave out path, or tls"
            raise OptionError(msg)

    def _check_tls(self) -> None:
        _expect_bool("tls", self.tls)
        _expect_bool("check_hostname", self.check_hostname)
        given = [name for name in _TLS_ONLY if getattr(self, name) is not None]
        if not self.check_hostname:
            given.append("check_hostname")
        if given and not self.tls:
            msg = f"{given[0]} is given, and the connection has no TLS; use rediss:// or tls=True"
            raise OptionError(msg)
        if (self.cert_file is None) != (self.key_file is None):
            msg = "cert_file and key_file belong together: give both, or neither"
            raise OptionError(msg)

    def _check_user(self) -> None:
        for name in ("username", "password", "client_name", "server_name"):
            value = getattr(self, name)
            if value is not None:
                _expect_text(name, value)
        shown = self.client_name
        if shown is not None and not (shown and all("!" <= c <= "~" for c in shown)):
            msg = f"client_name must be printable ASCII without spaces, not {shown!r}; or None"
            raise OptionError(msg)

    def _check_numbers(self) -> None:
        _expect_int("db", self.db, 0, 2**31 - 1)
        _expect_int("retries", self.retries, 0, 2**31 - 1)
        for name in ("connect_timeout", "read_timeout"):
            _expect_seconds(name, getattr(self, name), least=0.001)
        for name in ("backoff", "max_backoff"):
            _expect_seconds(name, getattr(self, name), least=0.0)
        if self.protocol not in (2, 3, None):
            msg = f"protocol must be 2, 3 or None, not {self.protocol!r}"
            raise OptionError(msg)


def _path(path: PathLike | None) -> str | None:
    return None if path is None else os.path.abspath(os.fspath(path))


def _milliseconds(seconds: float) -> int:
    return math.ceil(seconds * 1000)


def _expect_text(name: str, value: object) -> None:
    # The value is not shown: this may be the password.
    if not isinstance(value, str):
        msg = f"{name} must be a str, not {type(value).__name__}"
        raise OptionError(msg)
    if any("\ud800" <= c <= "\udfff" for c in value):
        msg = f"{name} must be text that can be encoded as UTF-8"
        raise OptionError(msg)


def _expect_bool(name: str, value: object) -> None:
    if not isinstance(value, bool):
        msg = f"{name} must be True or False, not {value!r}"
        raise OptionError(msg)


def _expect_int(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        msg = f"{name} must be an int from {least} to {most}, not {value!r}"
        raise OptionError(msg)


def _expect_seconds(name: str, value: float, *, least: float) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and least <= value <= _MAX_SECONDS):
        above = "above 0" if least else "0 or more"
        msg = f"{name} must be a number of seconds, {above} and finite, not {value!r}"
        raise OptionError(msg)
