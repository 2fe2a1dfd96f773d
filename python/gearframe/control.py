"""Control commands through redis-py, with a client's own options.

Data goes through the native part; what is asked seldom (scripts, groups of streams, admin
commands) goes through the library that everybody knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis

if TYPE_CHECKING:
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
    return redis.Redis(**(arguments | changes))
