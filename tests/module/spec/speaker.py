"""Sends scripts as users do, and says what came back."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import redis

from tests.servers.patience import wait_until

Pairs = dict[str, Any]


class Speaker:
    """A client of one protocol: ``gears(script)`` is RG.PYEXECUTE, ``gears.ask`` any command."""

    def __init__(self, url: str, protocol: int = 2, db: int = 0) -> None:
        self.url = url
        self.protocol = protocol
        self.client = redis.Redis.from_url(
            url,
            db=db,
            protocol=protocol,
            decode_responses=True,
            encoding_errors="surrogateescape",
            retry=None,
            socket_timeout=60,
        )

    def ask(self, *command: Any) -> Any:
        """The reply as it came, without what redis-py makes of it."""
        connection = self.client.connection_pool.get_connection()
        try:
            connection.send_command(*command)
            return connection.read_response()
        finally:
            self.client.connection_pool.release(connection)

    def __call__(self, script: str | bytes, *options: str) -> Any:
        return self.ask("RG.PYEXECUTE", script, *options)

    def results(self, script: str, *options: str) -> list[Any]:
        """The results of a script's execution that has no errors."""
        results, errors = self(script, *options)
        assert errors == []
        assert isinstance(results, list)
        return results

    def errors(self, script: str) -> list[str]:
        """The last lines of an execution's errors."""
        _, errors = self(script)
        return [str(each).strip().splitlines()[-1] for each in errors]

    def objects(self, script: str) -> list[Any]:
        """The results of a script as the Python objects that they print as."""
        return [ast.literal_eval(each) for each in self.results(script)]

    def body(self, script: str) -> Any:
        """What ``value`` is at the end of a script's body."""
        run = "\nGB('PythonReader').map(lambda _: repr(value)).run(lambda: [1])"
        (found,) = self.objects(script + run)
        return found

    def step(self, expression: str, before: str = "") -> Any:
        """What an expression is in a step."""
        run = f"\nGB('PythonReader').map(lambda _: repr({expression})).run(lambda: [1])"
        (found,) = self.objects(before + run)
        return found

    def refusal(self, *command: str | bytes) -> str:
        """The text of the error that a command is answered with."""
        with pytest.raises(redis.ResponseError) as raised:
            self.ask(*command)
        return str(raised.value)

    def raised(self, script: str | bytes, *options: str) -> str:
        """The last line of what a script raises."""
        return self.refusal("RG.PYEXECUTE", script, *options)

    @contextmanager
    def setting(self, name: str, value: str) -> Iterator[None]:
        """A setting of the module in a block."""
        (before,) = self.ask("RG.CONFIGGET", name)
        assert self.ask("RG.CONFIGSET", name, value) == ["OK"]
        try:
            yield
        finally:
            assert self.ask("RG.CONFIGSET", name, before) == ["OK"]

    def forget(self) -> None:
        """Drop all executions; what a test has left running ends, or the test fails."""
        for line in self.ask("RG.DUMPEXECUTIONS"):
            with suppress(redis.ResponseError):  # one that a step began is gone when it is done
                self.ask("RG.ABORTEXECUTION", line[1])
                self.ask("RG.DROPEXECUTION", line[1])
        wait_until(
            lambda: self.ask("RG.PYDUMPSESSIONS") + self.ask("RG.PYDUMPSESSIONS", "DEAD") == []
        )


def pairs(flat: list[Any]) -> Pairs:
    """A flat list of names and values as a dict."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


class unordered(list):  # type: ignore[type-arg]  # noqa: N801 - it reads as a word
    """A list that equals one with the same elements in any order."""

    def __eq__(self, other: object) -> bool:
        return Counter(self) == Counter(other)  # type: ignore[call-overload]

    __hash__ = None  # type: ignore[assignment]
