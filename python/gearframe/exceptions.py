"""Every exception gearframe raises, in one tree.

::

    GearframeError
    ├── OptionError (ValueError)               an argument cannot be used
    │   ├── UrlError                           a URL that is not one, or of an unknown kind
    │   └── SchemaError                        a schema with unsupported or duplicate columns
    ├── ServerConnectionError (ConnectionError)  the server is not reached, or is gone
    │   ├── ServerTimeoutError (TimeoutError)  it was silent for longer than the time-out
    │   └── AuthenticationError                wrong user or password
    ├── ProtocolError                          the bytes received are not RESP
    ├── ReplyError                             the server answered with an error
    │   ├── PermissionDeniedError (PermissionError)  the ACL forbids a command or a key
    │   ├── ServerLoadingError                 the server is loading its data set
    │   ├── ServerBusyError                    the server runs a script and takes nothing else
    │   ├── ServerReadOnlyError                a replica, or a server that refuses writes
    │   └── ServerOutOfMemoryError             the server is above its maxmemory
    ├── DataError (ValueError)                 a value does not fit the wanted dtype
    ├── KeyChangedError                        a key was written to while it was read in pieces
    ├── WriteError                             some keys were not written; carries the report
    ├── EmbeddedServerError                    the embedded Valkey does not start or has died
    ├── GearsError                             a gear, or a command it sent, was refused
    │   └── GearsRunError                      records of a gear failed; carries its results
    └── GearsFlatError                         raised by a gear's own code: its text, no traceback

    GearsForceStopped (BaseException)          thrown into a gear's code to end it

Only exceptions belong here. The native part raises these same classes: it names one of
them, and ``crates/python/src/error.rs`` looks the name up in this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gearframe.gears.backends.result import GearsResult
    from gearframe.io.report import WriteReport


class GearframeError(Exception):
    """Base of every exception that gearframe raises on purpose."""


class OptionError(GearframeError, ValueError):
    """An argument has a value that cannot be used."""


class UrlError(OptionError):
    """A URL cannot be parsed, or names a scheme that gearframe does not speak."""


class SchemaError(OptionError):
    """A schema has an unsupported dtype, a duplicate name or a reserved name."""


class ServerConnectionError(GearframeError, ConnectionError):
    """The server cannot be reached, or closed the connection."""


class ServerTimeoutError(ServerConnectionError, TimeoutError):
    """The server sent nothing for longer than the time-out."""


class AuthenticationError(ServerConnectionError):
    """The server refused the user name or the password."""


class ProtocolError(GearframeError):
    """The server sent bytes that are not the RESP protocol, or not the reply asked for."""


class ReplyError(GearframeError):
    """The server answered a command with an error."""


class PermissionDeniedError(ReplyError, PermissionError):
    """The user's ACL forbids a command or a key (Redis: ``NOPERM``)."""


class ServerLoadingError(ReplyError):
    """The server is still loading its data set (Redis: ``LOADING``)."""


class ServerBusyError(ReplyError):
    """The server runs a script and takes no other command (Redis: ``BUSY``)."""


class ServerReadOnlyError(ReplyError):
    """The server refuses writes: a read-only replica, or a failed save (``READONLY``)."""


class ServerOutOfMemoryError(ReplyError):
    """The server is above its ``maxmemory`` and refuses writes (Redis: ``OOM``)."""


class DataError(GearframeError, ValueError):
    """A value in the server does not fit the dtype that was asked for.

    Attributes
    ----------
    key : bytes or None
        The key that holds the value.
    field : str or None
        The field or column, where there is one.
    value : bytes or None
        The value as stored, cut to its first 200 bytes.
    dtype : str or None
        The wanted type.
    """

    key: bytes | None = None
    field: str | None = None
    value: bytes | None = None
    dtype: str | None = None


class KeyChangedError(GearframeError):
    """A key was written to while it was read in pieces that must fit together.

    Reading it again may go well.

    Attributes
    ----------
    key : bytes or None
        The key.
    """

    key: bytes | None = None


class WriteError(GearframeError):
    """Some keys were not written.

    Attributes
    ----------
    report : WriteReport or None
        What was written, skipped and refused, with the reason for each key.
    """

    report: WriteReport | None = None


class EmbeddedServerError(GearframeError):
    """The embedded Valkey server does not start, or died."""


class GearsError(GearframeError):
    """A gear was put together or used wrongly, or a command it sent was answered with an error.

    Examples
    --------
    >>> gf.GearsBuilder().map("upper")
    Traceback (most recent call last):
    gearframe.exceptions.GearsError: map argument must be a function, not 'upper'
    """


class GearsRunError(GearsError):
    """Some records of a gear failed; reading stopped after the first of them.

    Attributes
    ----------
    result : GearsResult or None
        The results that came all the same, and a text for each record that failed.

    Examples
    --------
    >>> client = gf.connect()
    >>> client.execute("MSET", "n:1", "7", "n:2", "seven")
    b'OK'
    >>> gear = gf.GearsBuilder().map(lambda record: int(record["value"]))
    >>> try:
    ...     gear.run(client, "n:*")
    ... except gf.GearsRunError as error:
    ...     error.result[:], error.result.errors[0].splitlines()[-1]
    ([7], "ValueError: invalid literal for int() with base 10: 'seven'")
    """

    def __init__(self, message: str, result: GearsResult | None = None) -> None:
        super().__init__(message)
        self.result = result


class GearsFlatError(GearframeError):
    """A gear's code gives up; its caller sees this text without a traceback.

    Examples
    --------
    >>> def check(number):
    ...     import gearframe as gf
    ...
    ...     if number > 1:
    ...         raise gf.GearsFlatError(f"{number} is too many")
    >>> gear = gf.GearsBuilder("PythonReader").foreach(check)
    >>> gear.run(gf.connect(), lambda: iter([1, 2]), on_error="keep").errors
    ['2 is too many']
    """


class GearsForceStopped(BaseException):
    """A gear was aborted, or ran longer than it may.

    It is thrown into code that is running, and is no ``Exception``: an ``except Exception`` in that
    code does not keep it alive.
    """
