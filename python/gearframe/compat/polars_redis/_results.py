"""What pipelines and transactions give back: one result for each command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import redis

from gearframe.compat.polars_redis._server import shown

ResultType: TypeAlias = Literal["ok", "string", "int", "bulk", "array", "nil", "error"]

# RESP2 as redis-py gives it does not tell the status OK from a value that is "OK".
_ANSWER_OK = frozenset(
    (
        "SET",
        "SETEX",
        "PSETEX",
        "MSET",
        "HMSET",
        "RENAME",
        "LSET",
        "LTRIM",
        "RESTORE",
        "FLUSHDB",
        "FLUSHALL",
        "PFMERGE",
        "XGROUP",
        "XSETID",
        "JSON.SET",
        "JSON.MERGE",
        "JSON.MSET",
        "FT.CREATE",
        "FT.ALTER",
        "TS.CREATE",
        "TS.ALTER",
    )
)
_ANSWER_STATUS = frozenset({"TYPE"})


@dataclass(frozen=True)
class CommandResult:
    """The reply to one command.

    Attributes
    ----------
    result_type : {"ok", "string", "int", "bulk", "array", "nil", "error"}
        ``ok`` is the status OK, ``string`` another status, ``bulk`` a value.
    value : str, bytes, int, list of CommandResult or None
        A value is a str where it is UTF-8 and bytes where it is not; the message, for an error;
        None for ``ok`` and ``nil``.

    Examples
    --------
    >>> from gearframe.compat import polars_redis as redis
    >>> result = redis.Pipeline(gf.connect().url).incr("visits").execute().get(0)
    >>> result.result_type, result.value
    ('int', 1)
    """

    result_type: ResultType
    value: object = None

    def is_ok(self) -> bool:
        """Whether it is the status OK, as of SET."""
        return self.result_type == "ok"

    def is_error(self) -> bool:
        """Whether the server refused the command."""
        return self.result_type == "error"

    def is_nil(self) -> bool:
        """Whether there was no value."""
        return self.result_type == "nil"


@dataclass(frozen=True)
class PipelineResult:
    """The replies to all commands, in their order.

    Attributes
    ----------
    results : list of CommandResult
        One for each command.
    """

    results: list[CommandResult]

    @property
    def succeeded(self) -> int:
        """How many commands were not refused."""
        return len(self.results) - self.failed

    @property
    def failed(self) -> int:
        """How many commands the server refused."""
        return sum(result.is_error() for result in self.results)

    def all_succeeded(self) -> bool:
        """Whether no command was refused."""
        return self.failed == 0

    def get(self, index: int) -> CommandResult | None:
        """Give the result of the command of this number, from 0; None if there is none."""
        return self.results[index] if 0 <= index < len(self.results) else None

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[CommandResult]:
        return iter(self.results)


def result_of(command: str, reply: object) -> CommandResult:
    """Put a reply of redis-py in its form."""
    match reply:
        case redis.RedisError():
            return CommandResult("error", str(reply))
        case None:
            return CommandResult("nil")
        case b"OK" if command in _ANSWER_OK:
            return CommandResult("ok")
        case bytes():
            kind: ResultType = "string" if command in _ANSWER_STATUS else "bulk"
            return CommandResult(kind, shown(reply))
        case int():
            return CommandResult("int", reply)
        case Sequence():
            return CommandResult("array", [result_of("", item) for item in reply])
    raise redis.InvalidResponse(f"expected a reply of RESP2, not {reply!r}")
