"""A gear on the client: records come over the wire, functions run here.

For servers without the module. What needs to be inside of the server is refused, not imitated.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from gearframe.exceptions import GearsError, ReplyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Self

    from gearframe.client import Client
    from gearframe.gears.narrowing import Need
    from gearframe.gears.plan import Reader

_log = logging.getLogger("gearframe.gears")
_LEVELS = {
    "debug": logging.DEBUG,
    "verbose": logging.DEBUG,
    "notice": logging.INFO,
    "warning": logging.WARNING,
}


class LocalRuntime:
    """What a gear finds around it when it runs on a client; a ``gearframe.gears.runtime.Runtime``.

    Parameters
    ----------
    client : Client
        Its server has the data. Commands of the gear go over connections of their own.

    Notes
    -----
    Threads may share it. ``execute`` with ``protocol=3`` gives a set as a list, because that is
    what the connection makes of it.

    Examples
    --------
    >>> from gearframe.gears.backends.local import LocalRuntime
    >>> with LocalRuntime(gf.connect()) as runtime:
    ...     runtime.execute("SET", "hits", 3), runtime.execute("GET", "hits")
    ('OK', '3')
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._connections: dict[int, Client] = {}

    def records(self, reader: Reader, need: Need | None) -> Iterator[list[Any]]:
        """Read batches of a KeysReader's records: a scan, its values pipelined."""
        from gearframe.io.records.read import read_record, read_records

        if reader.name != "KeysReader":
            raise GearsError(f"records come from KeysReader, not {reader.name}")
        pattern = "*" if reader.argument is None else reader.argument
        read_value = bool(reader.options.get("readValue", True))
        fields = None if need is None else need.fields
        if reader.options.get("noScan", False):
            yield [read_record(self._client, pattern, fields=fields, read_value=read_value)]
            return
        what = "value" if need is None else need.what
        yield from read_records(
            self._client, pattern, what=what, fields=fields, read_value=read_value
        )

    def execute(self, *args: Any, protocol: int = 2) -> Any:
        """Send a command; an error reply raises `GearsError` with its text."""
        if not args or not isinstance(args[0], str):
            raise GearsError(f"execute needs the command as a str first; it got {args[:1]!r}")
        words = [
            bytes(arg) if isinstance(arg, bytes | bytearray) else str(arg).encode() for arg in args
        ]
        try:
            return converted(self._connection(protocol).execute(*words))
        except ReplyError as error:
            raise GearsError(text_of_error(error)) from error

    def atomic(self) -> AbstractContextManager[Any]:
        """Refuse: other clients cannot be kept out from here."""
        raise GearsError(
            "atomic() needs the server's lock, and this gear runs on the client: load gearframe's "
            "module into the server (gearframe module-path), or leave atomic() out"
        )

    def in_atomic(self) -> bool:
        """Whether this thread is in an atomic block: never."""
        return False

    def log(self, text: str, level: str = "notice") -> None:
        """Write to Python's logger ``gearframe.gears``; notice is INFO."""
        _log.log(_LEVELS.get(level, logging.INFO), "%s", text)

    def config_get(self, name: str) -> str | None:
        """Give a setting of the module: there is none."""
        return None

    def hashtag(self) -> str:
        """Give a string whose slot is the first of this shard."""
        return "06S"

    def shard_id(self) -> str:
        """Say who this shard is."""
        return "1"

    def async_allowed(self) -> bool:
        """Whether a step may leave its record for later: always."""
        return True

    def close(self) -> None:
        """Close the connections that commands went over."""
        while self._connections:
            self._connections.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _connection(self, protocol: int) -> Client:
        """Give a connection that speaks this version: a gear's replies have the shapes of one."""
        from gearframe.client import Client

        found = self._connections.get(protocol)
        if found is None:
            made = Client(self._client.options.replace(protocol=protocol))
            found = self._connections.setdefault(protocol, made)
            if found is not made:  # another thread was first
                made.close()
        return found


def converted(reply: Any) -> Any:
    """Turn a reply into what gears are given: texts are str, or bytearray where not UTF-8."""
    if isinstance(reply, bytes):
        try:
            return reply.decode()
        except UnicodeDecodeError:
            return bytearray(reply)
    if isinstance(reply, list):
        return [converted(each) for each in reply]
    if isinstance(reply, dict):
        return {_hashable(converted(key)): converted(value) for key, value in reply.items()}
    if isinstance(reply, ReplyError):
        return text_of_error(reply)
    return reply


def text_of_error(error: ReplyError) -> str:
    """Give what the server has said, without what stands around it in our message."""
    message = str(error)
    start, end = message.find("«"), message.rfind("»")
    return message[start + 1 : end] if 0 <= start < end else message


def _hashable(key: Any) -> Any:
    return bytes(key) if isinstance(key, bytearray) else key
