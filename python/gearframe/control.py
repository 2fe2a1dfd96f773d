"""Control commands through redis-py, with a client's own options.

Data goes through the native part; what is asked seldom (scripts, groups of streams, admin
commands) goes through the library that everybody knows.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from gearframe import exceptions
from gearframe.interrupts import LateInterrupt

if TYPE_CHECKING:
    from redis.asyncio import Redis as AsyncRedis

    from gearframe.client import Client


def redis_client(client: Client, **changes: Any) -> redis.Redis:
    """Make a redis-py client for the server of a client.

    Parameters
    ----------
    client : Client
        Whose address, user, database, time-outs and TLS settings are taken over.
    **changes
        Arguments of ``redis.Redis`` that are to be other; ``decode_responses`` is False unless
        given here.

    Returns
    -------
    redis.Redis
        Opens connections of its own when they are needed; whoever asked for it closes it.

    Notes
    -----
    Sends nothing.

    Examples
    --------
    >>> from gearframe.control import redis_client
    >>> with redis_client(gf.connect()) as control:
    ...     control.ping()
    True
    """
    with LateInterrupt():  # redis-py looks for its own version, with generators
        made = redis.Redis(**(_arguments(client) | changes))
    if client.options.tls:
        _secure(made.connection_pool, _TlsConnection, client)
    return made


def async_redis_client(client: Client, **changes: Any) -> AsyncRedis:
    """Make the same for asyncio.

    Parameters
    ----------
    client : Client
        As for :func:`redis_client`.
    **changes
        Arguments of ``redis.asyncio.Redis`` that are to be other.

    Returns
    -------
    redis.asyncio.Redis
        To be closed with ``await it.aclose()``, in the loop that has used it.

    Notes
    -----
    Sends nothing.

    Examples
    --------
    >>> import asyncio
    >>> from gearframe.control import async_redis_client
    >>> async def ask(client):
    ...     async with async_redis_client(client) as control:
    ...         return await control.ping()
    >>> asyncio.run(ask(gf.connect()))
    True
    """
    # Imported here: it takes its time, and most programs do not need it.
    import asyncio

    from redis.asyncio import Redis as AsyncRedis
    from redis.asyncio import SSLConnection

    class AsyncTlsConnection(SSLConnection):
        """Does the same as `_TlsConnection` in asyncio."""

        def __init__(self, *, tls: tuple[ssl.SSLContext, str], **options: Any) -> None:
            super().__init__(**options)
            self._tls = tls

        def _connection_arguments(self) -> Mapping[str, Any]:
            context, name = self._tls
            found = super()._connection_arguments()
            return {**found, "ssl": context, "server_hostname": name}

    with LateInterrupt():
        made = AsyncRedis(**(_arguments(client) | changes))
    pool = made.connection_pool
    if client.options.tls:
        _secure(pool, AsyncTlsConnection, client)
    base: Any = pool.connection_class

    class Cancellable(base):  # type: ignore[misc]
        """Does not lose a cancellation that comes when a command has just been sent.

        redis-py sends with ``asyncio.wait_for``, which goes on then up to Python 3.11.
        """

        async def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
            task = asyncio.current_task()
            before = task.cancelling() if task is not None else 0
            await super().send_packed_command(*args, **kwargs)
            if task is not None and task.cancelling() > before:
                await self.disconnect(nowait=True)
                raise asyncio.CancelledError

    pool.connection_class = Cancellable
    return made


@contextmanager
def server_errors(label: str) -> Iterator[None]:
    """Turn the errors of redis-py into those of gearframe.

    Parameters
    ----------
    label : str
        Which server, for the message: ``client.options.label``.

    Raises
    ------
    ReplyError, ServerConnectionError
        Or the class below them that fits; the error of redis-py is their cause.

    Examples
    --------
    >>> from gearframe.control import redis_client, server_errors
    >>> client = gf.connect()
    >>> with redis_client(client) as control, server_errors(client.options.label):
    ...     control.execute_command("NONSENSE")
    Traceback (most recent call last):
    gearframe.exceptions.ReplyError: ...
    """
    try:
        yield
    except redis.RedisError as error:
        raise _translated(error, label) from error
    except OSError as error:
        if isinstance(error, exceptions.GearframeError):
            raise
        raise exceptions.ServerConnectionError(f"{label}: {error}") from error


_CLASSES: list[tuple[type[Exception], type[exceptions.GearframeError]]] = [
    (redis.TimeoutError, exceptions.ServerTimeoutError),
    (redis.AuthenticationError, exceptions.AuthenticationError),
    (redis.exceptions.AuthorizationError, exceptions.AuthenticationError),
    (redis.BusyLoadingError, exceptions.ServerLoadingError),
    (redis.ConnectionError, exceptions.ServerConnectionError),
    (redis.exceptions.NoPermissionError, exceptions.PermissionDeniedError),
    (redis.ReadOnlyError, exceptions.ServerReadOnlyError),
    (redis.OutOfMemoryError, exceptions.ServerOutOfMemoryError),
    (redis.ResponseError, exceptions.ReplyError),
    (redis.InvalidResponse, exceptions.ProtocolError),
]


def _translated(error: redis.RedisError, label: str) -> exceptions.GearframeError:
    text = str(error)
    if text.startswith("BUSY "):
        return exceptions.ServerBusyError(f"{label}: {text}")
    for theirs, ours in _CLASSES:
        if isinstance(error, theirs):
            return ours(f"{label}: {text}")
    return exceptions.ReplyError(f"{label}: {text}")


class _TlsConnection(redis.SSLConnection):
    """Verifies as the native part does.

    redis-py would trust the system's authorities beside those of ``ca_file``, and has no option
    for another name than the host's.
    """

    def __init__(self, *, tls: tuple[ssl.SSLContext, str], **options: Any) -> None:
        super().__init__(**options)
        self._tls = tls

    def _connect(self) -> socket.socket:
        context, name = self._tls
        plain: socket.socket = redis.Connection._connect(self)  # type: ignore[no-untyped-call]
        try:
            return context.wrap_socket(plain, server_hostname=name)
        except OSError:
            plain.close()
            raise


def _secure(pool: Any, connection_class: type, client: Client) -> None:
    options = client.options
    # With a file, and only then, it leaves the system's authorities out.
    context = ssl.create_default_context(cafile=options.ca_file)
    context.check_hostname = options.check_hostname
    if options.cert_file is not None:
        context.load_cert_chain(options.cert_file, options.key_file)
    pool.connection_class = connection_class
    pool.connection_kwargs["tls"] = (context, options.server_name or options.host)


def _arguments(client: Client) -> dict[str, Any]:
    options = client.options
    arguments: dict[str, Any] = {
        "username": options.username,
        "password": options.password,
        "db": options.db,
        "client_name": options.client_name,
        "protocol": client.protocol,
        "socket_connect_timeout": options.connect_timeout,
        "socket_timeout": options.read_timeout,
        "decode_responses": False,
        # A command whose reply is lost may have been executed: it is never sent twice.
        "retry": Retry(NoBackoff(), 0),
    }
    if options.path is not None:
        arguments["unix_socket_path"] = options.path
    else:
        arguments |= {"host": options.host, "port": options.port}
    if options.tls:
        arguments |= {
            "ssl": True,
            "ssl_ca_certs": options.ca_file,
            "ssl_certfile": options.cert_file,
            "ssl_keyfile": options.key_file,
            "ssl_check_hostname": options.check_hostname,
        }
    return arguments
