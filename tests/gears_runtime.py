"""A runtime of gears over Python lists: for tests of the engine, which needs no server."""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gearframe.exceptions import GearsError
from gearframe.gears.builder import GearsBuilder
from gearframe.gears.narrowing import Need
from gearframe.gears.outcome import Limits, Outcome
from gearframe.gears.plan import Reader
from gearframe.gears.run import run_plan


class ListRuntime:
    """Records are those of a list; commands are functions of a dict.

    ``closed`` says whether the reader's iterator was ended, ``read`` how many records it gave.
    """

    def __init__(self, records: list[Any] | None = None, batch: int = 1000) -> None:
        self._records = records or []
        self._batch = batch
        self._held = threading.local()
        self.commands: dict[str, Any] = {}
        self.allowed = True
        self.closed = False
        self.read = 0
        self.logged: list[str] = []

    def records(self, reader: Reader, need: Need | None) -> Iterator[list[Any]]:
        matching = [
            record
            for record in self._records
            if not isinstance(record, dict)
            or "key" not in record
            or fnmatch.fnmatch(str(record["key"]), reader.argument)
        ]
        try:
            for start in range(0, len(matching), self._batch):
                batch = matching[start : start + self._batch]
                self.read += len(batch)
                yield batch
        finally:
            self.closed = True

    def execute(self, *args: Any, protocol: int = 2) -> Any:
        name, *rest = args
        if name not in self.commands:
            raise GearsError(f"ERR unknown command '{name}'")
        return self.commands[name](*rest)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        self._held.value = True
        try:
            yield
        finally:
            self._held.value = False

    def in_atomic(self) -> bool:
        return getattr(self._held, "value", False)

    def log(self, text: str, level: str = "notice") -> None:
        self.logged.append(f"{level}: {text}")

    def config_get(self, name: str) -> str | None:
        return None

    def hashtag(self) -> str:
        return "06S"

    def shard_id(self) -> str:
        return "1"

    def async_allowed(self) -> bool:
        return self.allowed


def outcome(
    gear: GearsBuilder,
    records: list[Any] | None = None,
    *,
    batch: int = 1000,
    runtime: ListRuntime | None = None,
    limits: Limits | None = None,
    **options: Any,
) -> Outcome:
    """Run a gear over records; results stay objects."""
    given = {"convertToStr": False, "collect": False, **options}
    return run_plan(gear.plan(**given), runtime or ListRuntime(records, batch), limits=limits)


def results(gear: GearsBuilder, records: list[Any] | None = None, **options: Any) -> list[Any]:
    """The results of a gear that has no errors."""
    came = outcome(gear, records, **options)
    assert came.errors == []
    return came.results


def errors(gear: GearsBuilder, records: list[Any] | None = None, **options: Any) -> list[str]:
    """The last line of each error of a gear."""
    return [text.splitlines()[-1] for text in outcome(gear, records, **options).errors]
