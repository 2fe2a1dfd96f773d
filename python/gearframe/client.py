"""A client: one server, how to reach it, and one connection for control commands.

Reading and writing data open connections of their own, with the client's options.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from gearframe._native import Connection
from gearframe.exceptions import OptionError, ProtocolError
from gearframe.methods import ReadMethods, WriteMethods
from gearframe.options import UNSET, ConnectOptions, PathLike, Unset
from gearframe.url import parse_url

if TYPE_CHECKING:
    from typing import Self

    from gearframe.embedded import EmbeddedServer

Argument: TypeAlias = str | bytes | bytearray | memoryview | int | float


class Server(NamedTuple):
    """Who answers.

    Attributes
    ----------
    name : str
        ``redis`` or ``valkey``.
    version : str
        Such as ``8.2.1``; empty where the ACL hides it.
    mode : str
        ``standalone``, ``cluster`` or ``sentinel``; empty where the ACL hides it.
    """

    name: str
    version: str
    mode: str


def connect(
    url: str | None = None,
    *,
    username: str | Unset | None = UNSET,
    password: str | Unset | None = UNSET,
    db: int | Unset = UNSET,
    connect_timeout: float | Unset = UNSET,
    read_timeout: float | Unset = UNSET,
    retries: int | Unset = UNSET,
    backoff: float | Unset = UNSET,
    max_backoff: float | Unset = UNSET,
    client_name: str | Unset | None = UNSET,
    protocol: Literal[2, 3] | Unset | None = UNSET,
    ca_file: PathLike | Unset | None = UNSET,
    cert_file: PathLike | Unset | None = UNSET,
    key_file: PathLike | Unset | None = UNSET,
    check_hostname: bool | Unset = UNSET,
    server_name: str | Unset | None = UNSET,
    data_dir: PathLike | None = None,
) -> Client:
    """Connect to a Redis or Valkey server, or start an embedded one.

    Parameters
    ----------
    url : str, optional
        ``redis://``, ``rediss://``, ``valkey://``, ``valkeys://`` or ``unix://``; see
        :func:`gearframe.url.parse_url`. Without it an embedded Valkey is started, and stopped
        when the client is closed or the program ends.
    username, password : str, optional
        ACL user and password.
    db : int, default 0
        Number of the database.
    connect_timeout : float, default 5.0
        Seconds for each attempt to connect, TLS included.
    read_timeout : float, default 60.0
        Seconds of complete silence after which the server is given up.
    retries : int, default 3
        Attempts to connect after the first. Commands are never sent twice.
    backoff, max_backoff : float, default 0.1 and 2.0
        Longest pause before the second attempt, and of all, in seconds.
    client_name : str or None, default "gearframe"
        What ``CLIENT LIST`` shows.
    protocol : {2, 3}, optional
        RESP version to insist on.
    ca_file, cert_file, key_file : path, optional
        TLS: authorities to trust; the client's certificate and key. All in PEM.
    check_hostname : bool, default True
        TLS: whether the certificate must be for this host.
    server_name : str, optional
        TLS: the name to expect in the certificate, where it is not the host's.
    data_dir : path, optional
        Only without ``url``: where the embedded server keeps its data. Without it the data is
        gone when the server stops.

    Returns
    -------
    Client

    Raises
    ------
    OptionError
        If an option cannot be used; ``UrlError`` if it is the URL.
    ServerConnectionError
        If the server cannot be reached; ``AuthenticationError`` if it refuses the password.
    EmbeddedServerError
        If the embedded server does not start.

    Notes
    -----
    An argument wins over the same option in the URL. The server is asked once, so that a wrong
    address or password shows here: ``HELLO``, or ``AUTH``, ``CLIENT SETNAME`` and ``INFO server``
    where the server does not speak RESP3; ``SELECT`` where ``db`` is not 0.

    Examples
    --------
    >>> import gearframe as gf
    >>> with gf.connect() as client:
    ...     client.ping()
    True
    """
    given = {
        "username": username,
        "password": password,
        "db": db,
        "connect_timeout": connect_timeout,
        "read_timeout": read_timeout,
        "retries": retries,
        "backoff": backoff,
        "max_backoff": max_backoff,
        "client_name": client_name,
        "protocol": protocol,
        "ca_file": ca_file,
        "cert_file": cert_file,
        "key_file": key_file,
        "check_hostname": check_hostname,
        "server_name": server_name,
    }
    changes = {name: value for name, value in given.items() if value is not UNSET}
    if url is not None:
        if data_dir is not None:
            msg = "data_dir is for the embedded server: leave out url, or data_dir"
            raise OptionError(msg)
        return Client(parse_url(url).replace(**changes))
    return _start_embedded(data_dir, changes)


def as_client(client_or_url: Client | str | None) -> Client:
    """Return the client itself, or a new one for a URL; for None, one of an embedded server.

    Parameters
    ----------
    client_or_url : Client, str or None
        What functions that read and write data take as their server.

    Returns
    -------
    Client

    Raises
    ------
    OptionError
        If it is something else, or a client that is closed.
    """
    if isinstance(client_or_url, Client):
        client_or_url._expect_open()
        return client_or_url
    if client_or_url is None or isinstance(client_or_url, str):
        return connect(client_or_url)
    kind = type(client_or_url).__name__
    msg = f"expected a Client or a URL such as redis://localhost:6379, not {kind}"
    raise OptionError(msg)


class Client(ReadMethods, WriteMethods):
    """A server and how to reach it. Made by :func:`connect`; safe to share between threads.

    Parameters
    ----------
    options : ConnectOptions
        How to reach the server. It is asked at once, so that errors show here.

    Attributes
    ----------
    options : ConnectOptions
        How the server is reached.
    server : Server
        Its name, version and mode.
    protocol : int
        The RESP version in use, 2 or 3.

    Notes
    -----
    A pickled client is options only, the password among them; unpickling connects anew. After a
    fork the child opens a connection of its own.

    Examples
    --------
    >>> with gf.connect() as client:
    ...     client.write_strings(pl.DataFrame({"_key": ["hits:a"], "value": [3]})).written
    ...     client.read_strings("hits:*", pl.Int64).rows()
    1
    [('hits:a', 3)]
    """

    def __init__(self, options: ConnectOptions, *, _embedded: EmbeddedServer | None = None) -> None:
        self.options = options
        self._embedded = _embedded
        self._lock = threading.Lock()
        self._is_closed = False
        self._embedded_pid = os.getpid()
        self._connection: Connection | None = None
        self._connection_pid = 0
        self._open()

    @property
    def url(self) -> str:
        """The server's URL, without the password."""
        return self.options.url

    def execute(self, *args: Argument) -> object:
        """Send one command and return its reply.

        For control commands, one at a time. Data is read and written by the ``scan_``, ``read_``
        and ``write_`` functions.

        Parameters
        ----------
        *args : str, bytes, int or float
            The command and its arguments, each a word of its own; text is sent as UTF-8.

        Returns
        -------
        bytes, int, float, bool, None, list or dict
            Text is always bytes. What RESP3 gives as a dict or a float can be a list or bytes in
            RESP2. An error inside an array is a :class:`ReplyError` object.

        Raises
        ------
        ReplyError
            If the server answers with an error.
        ServerConnectionError
            If the connection is lost. The command may have been executed; it is not sent again.
        OptionError
            If the client is closed, or an argument has another type.

        Examples
        --------
        >>> client = gf.connect()
        >>> client.execute("CONFIG", "GET", "maxmemory")
        {b'maxmemory': b'0'}
        """
        words = [_encoded(arg) for arg in args]
        with self._lock:
            return self._ready_connection().execute(words)

    def ping(self) -> bool:
        """Ask the server whether it is there.

        Returns
        -------
        bool
            Always True: a server that is not there is an exception.

        Raises
        ------
        ServerConnectionError
            If it does not answer.

        Notes
        -----
        Sends ``PING``.
        """
        return self.execute("PING") == b"PONG"

    def dbsize(self) -> int:
        """Count the keys of the database.

        Returns
        -------
        int

        Notes
        -----
        Sends ``DBSIZE``, which costs the server nothing: it knows the number. Keys that are
        expired and not yet removed are counted.
        """
        reply = self.execute("DBSIZE")
        if not isinstance(reply, int):
            msg = f"DBSIZE must be answered with a number, and was with {reply!r}"
            raise ProtocolError(msg)
        return reply

    def close(self) -> None:
        """Close the connection, and stop the embedded server if it is this client's.

        Closing a closed client does nothing.
        """
        self._is_closed = True
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        embedded, self._embedded = self._embedded, None
        # A forked child must not stop the server of its parent.
        if embedded is not None and self._embedded_pid == os.getpid():
            embedded.close()

    def __enter__(self) -> Self:
        self._expect_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        server = f"{self.server.name} {self.server.version}".strip()
        state = ", closed" if self._is_closed else ""
        return f"<gearframe.Client {self.url} ({server}{state})>"

    def __reduce__(self) -> tuple[type[Client], tuple[ConnectOptions]]:
        if self._embedded is not None:
            msg = (
                "a client of an embedded server cannot be pickled: the server ends with this "
                "process; start a server and connect to its URL"
            )
            raise OptionError(msg)
        self._expect_open()
        return type(self), (self.options,)

    def _open(self) -> Connection:
        connection = Connection(self.options.to_json())
        self.server = Server(
            connection.server_name, connection.server_version, connection.server_mode
        )
        self.protocol = connection.protocol
        self._connection, self._connection_pid = connection, os.getpid()
        return connection

    def _ready_connection(self) -> Connection:
        """Return the connection, or a new one where it is lost; called under the lock."""
        self._expect_open()
        connection = self._connection
        is_ours = self._connection_pid == os.getpid()
        if connection is not None and is_ours and connection.is_alive():
            return connection
        return self._open()

    def _expect_open(self) -> None:
        if self._is_closed:
            msg = f"this client of {self.options.label} is closed; connect again"
            raise OptionError(msg)


def _start_embedded(data_dir: PathLike | None, changes: Mapping[str, object]) -> Client:
    # Imported here, because it needs a wheel with a server that most clients do not use.
    from gearframe.embedded import EmbeddedServer

    server = EmbeddedServer(data_dir)
    try:
        options = parse_url(server.url).replace(**changes)
        return Client(options, _embedded=server)
    except BaseException:
        server.close()
        raise


def _encoded(arg: Argument) -> bytes:
    if isinstance(arg, bytes | bytearray | memoryview):
        return bytes(arg)
    if isinstance(arg, str):
        return _utf8(arg)
    if isinstance(arg, int | float) and not isinstance(arg, bool):
        return repr(arg).encode()
    msg = f"an argument of a command must be str, bytes, int or float, not {type(arg).__name__}"
    raise OptionError(msg)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        msg = f"an argument of a command cannot be encoded as UTF-8 ({error.reason}); give bytes"
        raise OptionError(msg) from None
