"""What a worker is asked to run, and on whose behalf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gearframe.gears.outcome import Limits
from gearframe.shard.worker.limits import Guard
from gearframe.shard.worker.runtime import Caller, ServerRuntime
from gearframe.shard.worker.session import Session

ABORTED = "execution was aborted"


@dataclass(frozen=True)
class Settings:
    """What holds for one script and its execution.

    Attributes
    ----------
    time_limit_ms : int
        How long both may take together; 0: any time.
    max_result_bytes : int
        How large the results may be; 0: any size.
    traceback : bool
        Whether errors have tracebacks.
    profile : bool
        Whether the session's profile takes part.
    """

    time_limit_ms: int = 0
    max_result_bytes: int = 0
    traceback: bool = True
    profile: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Settings:
        """Take them out of a message."""
        return cls(
            int(options.get("time_limit_ms") or 0),
            int(options.get("max_result_bytes") or 0),
            bool(options.get("traceback", True)),
            bool(options.get("profile", False)),
        )


@dataclass(frozen=True, eq=False)
class Task:
    """A script, or an execution without one, on its way.

    Attributes
    ----------
    job : int or None
        The control plane's number for the script; None for what a step or a thread has begun.
    caller : Caller
        On whose behalf.
    session : Session
        Whose names it sees.
    settings : Settings
        What holds for it.
    guard : Guard
        What ends it from outside.
    """

    job: int | None
    caller: Caller
    session: Session
    settings: Settings
    guard: Guard

    @property
    def execution(self) -> str:
        """The id of its execution."""
        return self.caller.execution

    def runtime(self) -> ServerRuntime:
        """Make the engine's runtime for it."""
        return ServerRuntime(self.caller, self.guard, self.session.coroutines)

    def limits(self) -> Limits:
        """Give the limits that the engine looks after."""
        settings = self.settings
        return Limits(self.guard.stopped, settings.max_result_bytes, settings.traceback)

    def start_clock(self) -> None:
        """Let the time limit run from now on, or go on where it is that of what began this."""
        limit = self.settings.time_limit_ms
        if limit > 0 and self.guard.limit is None:
            text = f"execution timed out after {limit} ms (ExecutionTimeLimit)"
            self.guard.limit = self.guard.stop_after(limit / 1000, text)

    def stop_clock(self) -> None:
        """It is over: threads and coroutines that it leaves behind have no time limit."""
        limit, self.guard.limit = self.guard.limit, None
        if limit is not None:
            self.guard.forget(limit)
