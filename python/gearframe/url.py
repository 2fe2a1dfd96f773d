"""URLs of servers: from text to :class:`~gearframe.options.ConnectOptions`.

A message about a URL never shows its password, not even that of a URL that cannot be parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote

from gearframe.exceptions import OptionError, UrlError
from gearframe.options import ConnectOptions

_TCP_SCHEMES = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
_UNIX_SCHEMES = ("unix", "redis+unix", "valkey+unix")
_LATER = ("redis+sentinel", "valkey+sentinel", "redis+cluster", "valkey+cluster")
_KNOWN = "redis://, rediss://, valkey://, valkeys:// and unix://"


def parse_url(url: str) -> ConnectOptions:
    """Read the URL of a server.

    ==========================================  =============================================
    URL                                         means
    ==========================================  =============================================
    ``redis://host:6379/2``                     host, port and database
    ``redis://user:password@host``              an ACL user; ``redis://:password@host`` is the
                                                default user
    ``rediss://host``                           the same with TLS
    ``unix:///run/redis.sock?db=2``             a Unix socket
    ``redis://host?read_timeout=5&protocol=2``  options of :class:`ConnectOptions`
    ==========================================  =============================================

    ``valkey://`` and ``valkeys://`` mean the same as ``redis://`` and ``rediss://``,
    ``redis+unix://`` the same as ``unix://``. Special characters in user, password and path are
    percent-encoded (``@`` is ``%40``). redis-py's names of options, such as ``socket_timeout``
    and ``ssl_ca_certs``, are understood too.

    Parameters
    ----------
    url : str
        The URL.

    Returns
    -------
    ConnectOptions

    Raises
    ------
    UrlError
        If the URL cannot be parsed, names an unknown scheme or option, or has a bad value.

    Examples
    --------
    >>> from gearframe.url import parse_url
    >>> parse_url("valkeys://ann:secret@db.example/3").label
    'db.example:6379'
    """
    if not isinstance(url, str):
        msg = f"a URL must be a str, not {type(url).__name__}; it is one of {_KNOWN}"
        raise UrlError(msg)
    try:
        return ConnectOptions(**_parts(url))
    except UrlError:
        raise
    except OptionError as error:
        raise _bad(url, str(error)) from None


def redact(url: str) -> str:
    """Return a URL with ``***`` for its password, also when it is not a proper URL.

    Parameters
    ----------
    url : str
        Any text.

    Returns
    -------
    str

    Examples
    --------
    >>> from gearframe.url import redact
    >>> redact("redis://ann:secret@localhost:6379/0")
    'redis://ann:***@localhost:6379/0'
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    # Up to the last @: a password with / ? # or @ that is not encoded is hidden as well.
    user_part, at, place = rest.rpartition("@")
    user, colon, _ = user_part.partition(":")
    if not at:
        # `redis://:password` without a host: what is no port may be a password.
        place = re.sub(r"^([^:/?#\[\]]*:)(?!\d*(?:[/?#]|$))[^/?#]*", r"\1***", place)
    place = re.sub(r"(?i)([?&][^=&#]*pass[^=&#]*=)[^&#]*", r"\1***", place)
    return f"{scheme}{separator}{user}{':***' if colon else ''}{at}{place}"


def _parts(url: str) -> dict[str, Any]:
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator:
        raise _bad(url, f"it has no scheme; write one of {_KNOWN} before it")
    if scheme in _LATER:
        raise _bad(url, f"{scheme}:// is not supported yet; give the URL of one server")
    if scheme not in _TCP_SCHEMES and scheme not in _UNIX_SCHEMES:
        raise _bad(url, f"{scheme}:// is not a scheme gearframe speaks; it speaks {_KNOWN}")
    rest, _, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    is_unix = scheme in _UNIX_SCHEMES
    user_part, at, place = _split_user(rest, is_unix=is_unix)
    if "@" in fragment + query + ("" if is_unix else place):
        raise _bad(url, "an @ stands behind / ? or #; in a password these are %40 %2F %3F %23")
    if fragment:
        raise _bad(url, "it ends in a #fragment, which means nothing here")
    parts = _unix_place(url, place) if is_unix else _tcp_place(url, place)
    parts.update(_user(url, user_part) if at else {})
    if not is_unix:
        parts["tls"] = _TCP_SCHEMES[scheme]
    parts.update(_query(url, query, parts))
    return parts


def _split_user(rest: str, *, is_unix: bool) -> tuple[str, str, str]:
    """Split ``user:password@place``; the path of a Unix socket may hold an ``@`` of its own."""
    authority, slash, path = rest.partition("/")
    user_part, at, host = authority.rpartition("@")
    if is_unix and not at:
        return "", "", rest
    return user_part, at, f"{host}{slash}{path}"


def _user(url: str, user_part: str) -> dict[str, Any]:
    user, colon, password = user_part.partition(":")
    parts: dict[str, Any] = {}
    if user:
        parts["username"] = _decoded(url, "user", user)
    if colon and password:
        parts["password"] = _decoded(url, "password", password)
    return parts


def _tcp_place(url: str, place: str) -> dict[str, Any]:
    address, _, db = place.partition("/")
    matched = re.fullmatch(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([^:]*))?", address)
    if matched is None:
        raise _bad(url, "the address must be host:port, with IPv6 in brackets: [::1]:6379")
    host, port = matched.groups()
    parts: dict[str, Any] = {}
    if host:
        parts["host"] = _decoded(url, "host", host.strip("[]"))
    if port:
        parts["port"] = _whole(port, "the port must be a number from 1 to 65535", url)
    if db:
        parts["db"] = _whole(db, "the part after / must be the number of a database", url)
    return parts


def _unix_place(url: str, place: str) -> dict[str, Any]:
    if not place.startswith("/"):
        raise _bad(url, "the path of a socket starts with a slash: unix:///run/redis.sock")
    return {"path": _decoded(url, "path", place)}


def _query(url: str, query: str, parts: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, text in parse_qsl(query, keep_blank_values=True):
        name = _ALIASES.get(key, key)
        if name not in _READERS:
            known = ", ".join(_READERS)
            raise _bad(url, f"there is no option {key!r}; there are {known}")
        if name in found or (name == "db" and "db" in parts):
            raise _bad(url, f"{name} is given twice")
        found[name] = _READERS[name](text, f"{key} has a bad value", url)
    return found


def _whole(text: str, expected: str, url: str) -> int:
    # The text is not shown: a password that is not encoded ends up in these places.
    if re.fullmatch(r"[0-9]{1,10}", text) is None:
        raise _bad(url, expected)
    return int(text)


def _seconds(text: str, expected: str, url: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _bad(url, f"{expected}: it must be a number of seconds") from None


def _truth(text: str, expected: str, url: str) -> bool:
    truths = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in truths:
        raise _bad(url, f"{expected}: it must be true or false")
    return truths[text.lower()]


def _text(text: str, expected: str, url: str) -> str:
    if not text:
        raise _bad(url, f"{expected}: it must not be empty")
    return text


def _decoded(url: str, what: str, text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        pass
    raise _bad(url, f"the {what} does not decode to UTF-8; percent-encode its UTF-8 bytes")


def _bad(url: str, reason: str) -> UrlError:
    return UrlError(f"bad URL «{redact(url)}»: {reason}")


_READERS: dict[str, Callable[[str, str, str], Any]] = {
    "db": _whole,
    "protocol": _whole,
    "client_name": _text,
    "connect_timeout": _seconds,
    "read_timeout": _seconds,
    "retries": _whole,
    "backoff": _seconds,
    "max_backoff": _seconds,
    "ca_file": _text,
    "cert_file": _text,
    "key_file": _text,
    "check_hostname": _truth,
    "server_name": _text,
}

_ALIASES = {
    "socket_connect_timeout": "connect_timeout",
    "socket_timeout": "read_timeout",
    "ssl_ca_certs": "ca_file",
    "ssl_certfile": "cert_file",
    "ssl_keyfile": "key_file",
    "ssl_check_hostname": "check_hostname",
}
