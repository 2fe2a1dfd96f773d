"""One connection for one call: every function opens it here, and it is closed when the call ends.

No connection is kept between calls, so none can leak, go stale or be shared by a fork.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TypeAlias

import polars as pl
import redis

from gearframe.client import Argument, Client, connect
from gearframe.control import redis_client, server_errors
from gearframe.exceptions import DataError, OptionError

Key: TypeAlias = str | bytes

CHUNK = 1000
"""Commands in a pipeline: past this many nothing is gained, and memory is lost."""


def open_client(url: str) -> Client:
    """Connect to a URL; None is refused, as a new embedded server would be empty."""
    if not isinstance(url, str):
        msg = f"url is {url!r}; expected a text such as 'redis://localhost:6379'"
        raise OptionError(msg)
    return connect(url)


@contextmanager
def server(url: str) -> Iterator[redis.Redis]:
    """Open a redis-py client whose replies are what the server sent: bytes, numbers and lists."""
    with open_client(url) as client:
        # RESP2 is named, because the same command is answered in other types by RESP3.
        control = redis_client(client, protocol=2)
        label = client.options.label
    control.response_callbacks.clear()
    with control, server_errors(label):
        yield control


def ask(control: redis.Redis, *command: Argument) -> object:
    """Send one command; a refusal is raised."""
    return control.execute_command(*command)  # type: ignore[no-untyped-call]


def replies(
    control: redis.Redis, commands: Iterable[Sequence[Argument]], *, size: int = CHUNK
) -> Iterator[object]:
    """Send commands in pipelines; a refusal is a ``redis.ResponseError`` among the replies."""
    waiting = iter(commands)
    while chunk := list(islice(waiting, size)):
        with control.pipeline(transaction=False) as pipeline:
            for command in chunk:
                # redis-py has no types here.
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
            yield from pipeline.execute(raise_on_error=False)


def accepted(reply: object) -> object:
    """Give a reply back, or raise it if it is a refusal."""
    if isinstance(reply, redis.RedisError):
        raise reply
    return reply


def refusal_of(reply: object) -> str | None:
    """Give the server's words if a reply is a refusal."""
    return str(reply) if isinstance(reply, redis.RedisError) else None


def whole(reply: object) -> int:
    """Give a reply that is a number by its command's definition."""
    found = accepted(reply)
    if not isinstance(found, int):
        raise redis.InvalidResponse(f"expected a whole number, not {found!r}")
    return found


def shown(name: bytes) -> Key:
    """Give bytes as text where they are UTF-8."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name


def text_column(name: str, values: Sequence[bytes | None]) -> pl.Series:
    """Make a String column; Binary if a value is not UTF-8, so that none is lost."""
    column = pl.Series(name, values, dtype=pl.Binary)
    try:
        return column.cast(pl.String)
    except pl.exceptions.PolarsError:
        return column


def text(value: object, what: str) -> str | None:
    """Decode a reply that the server writes in ASCII."""
    if value is None or not isinstance(value, bytes):
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise DataError(f"{what} is {value!r}, which is not UTF-8") from None


def encoded(value: object, what: str) -> bytes:
    """Encode a key, a member or a channel."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise OptionError(f"{what} is {value!r}; expected a text or bytes")
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        msg = f"{what} is {value!r}, which is not UTF-8 ({error.reason}); give bytes"
        raise OptionError(msg) from None


def encoded_all(values: object, what: str) -> list[bytes]:
    """Encode keys, members or channels; a text alone is refused, as it is a list of letters."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise OptionError(f"{what} is {values!r}; expected a list of texts or bytes: [{values!r}]")
    return [encoded(value, f"{what}[{number}]") for number, value in enumerate(values)]
