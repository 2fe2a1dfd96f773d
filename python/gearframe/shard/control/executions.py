"""Executions: which there are, what became of them, and who waits for their results."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from gearframe.exceptions import OptionError
from gearframe.shard.control.clients import Clients
from gearframe.shard.control.hosting import Tree
from gearframe.shard.control.replies import OK, error, flat, size_of
from gearframe.shard.control.sessions import Session, Sessions
from gearframe.shard.control.settings import Settings
from gearframe.shard.control.workers import Workers

UNKNOWN = "execution plan does not exist"

STOPPING = 10.0
"""Seconds that RG.ABORTEXECUTION waits for code to stop before it says that it does not."""


@dataclass(eq=False)
class Execution:
    """One execution. It is not `kept` when nobody can ask for it after it is done."""

    id: str
    session: Session
    steps: list[Tree]
    kept: bool
    status: str = "created"
    results: list[Tree] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    total_ms: float = 0
    read_ms: float = 0
    size: int = 0
    waiters: list[int] = field(default_factory=list)
    aborters: dict[int, float] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether it is done or aborted."""
        return self.status in ("done", "aborted")

    def outcome(self) -> Tree:
        """Give what RG.GETRESULTS answers."""
        return [self.results, self.errors]


class Executions:
    """All executions. Its methods are called with the control plane's lock held."""

    def __init__(
        self,
        clients: Clients,
        sessions: Sessions,
        workers: Workers,
        settings: Settings,
        clock: Callable[[], float],
        shard_id: str,
    ) -> None:
        self._clients, self._sessions, self._workers = clients, sessions, workers
        self._settings, self._clock, self.shard_id = settings, clock, shard_id
        self._executions: dict[str, Execution] = {}
        self._finished: dict[str, None] = {}
        self._stopping: set[str] = set()
        self._numbers = itertools.count()
        self.result_bytes = 0

    def __len__(self) -> int:
        return len(self._executions)

    def new_id(self) -> str:
        """Give the next id."""
        return f"{self.shard_id}-{next(self._numbers)}"

    def find(self, name: str) -> Execution | None:
        """Give an execution, or None."""
        return self._executions.get(name)

    def get(self, name: str) -> Execution:
        """Give an execution, or raise that it does not exist."""
        found = self._executions.get(name)
        if found is None:
            raise OptionError(UNKNOWN)
        return found

    # -- what workers tell -------------------------------------------------------------------------

    def add(
        self, name: str, session: Session, steps: list[Tree], status: str, *, kept: bool
    ) -> Execution:
        """Take in an execution that a worker has begun."""
        execution = Execution(name, session, steps, kept, status)
        self._executions[name] = execution
        session.kept.add(name)
        session.running.add(name)
        return execution

    def finish(self, execution: Execution, outcome: dict[str, Tree]) -> None:
        """Take in what became of an execution, and tell everybody who waits for it."""
        if execution.finished:
            return
        execution.status = "aborted" if outcome["aborted"] else "done"
        execution.results, execution.errors = outcome["results"], outcome["errors"]
        execution.total_ms = outcome.get("total_ms", 0)
        execution.read_ms = outcome.get("read_ms", 0)
        execution.steps = outcome.get("steps") or execution.steps
        self._answer(execution)
        execution.session.running.discard(execution.id)
        self._stopping.discard(execution.id)
        if not execution.kept:
            self._remove(execution)
            return
        execution.size = size_of(execution.results) + size_of(execution.errors)
        self.result_bytes += execution.size
        self._finished[execution.id] = None
        self._sessions.settle(execution.session)
        self.trim()

    def _answer(self, execution: Execution) -> None:
        for token in execution.waiters:
            self._clients.answer(token, execution.outcome())
        for token in execution.aborters:
            self._clients.answer(token, OK)
        execution.waiters.clear()
        execution.aborters.clear()

    def trim(self) -> None:
        """Drop the oldest finished executions that are too many, or whose results are too large.

        The newest stays however large it is: its size alone is the worker's to limit.
        """
        most = self._settings.number("MaxExecutions")
        largest = self._settings.number("MaxResultBytes")
        while self._finished and (
            len(self._finished) > most
            or (largest and self.result_bytes > largest and len(self._finished) > 1)
        ):
            self._remove(self._executions[next(iter(self._finished))])

    def _remove(self, execution: Execution) -> None:
        del self._executions[execution.id]
        if execution.id in self._finished:
            del self._finished[execution.id]
            self.result_bytes -= execution.size
        execution.session.kept.discard(execution.id)
        self._sessions.settle(execution.session)

    # -- what clients ask --------------------------------------------------------------------------

    def wait(self, execution: Execution, token: int, *, owns: bool) -> None:
        """Answer a client when an execution is done; one that owns it aborts it by leaving."""
        if execution.finished:
            self._clients.answer(token, execution.outcome())
            return
        execution.waiters.append(token)

        def left() -> None:
            execution.waiters.remove(token)
            if owns:
                self.stop(execution)

        self._clients.wait(token, left)

    def stop(self, execution: Execution) -> None:
        """Ask the worker to end an execution."""
        if execution.finished:
            return
        execution.status = "pending_termination"
        if execution.session.worker is not None:
            self._workers.tell(execution.session.worker, ("abort", execution.id))

    def abort(self, execution: Execution, token: int) -> None:
        """End an execution for a client, who is answered when it has ended."""
        if execution.finished:
            self._clients.answer(token, OK)
            return
        self.stop(execution)
        execution.aborters[token] = self._clock() + STOPPING
        self._stopping.add(execution.id)

        def left() -> None:
            execution.aborters.pop(token, None)

        self._clients.wait(token, left)

    def look_at_the_clock(self) -> None:
        """Answer those who wait for code to stop that does not."""
        now = self._clock()
        for execution in [self._executions[name] for name in self._stopping]:
            late = [token for token, end in execution.aborters.items() if end <= now]
            for token in late:
                del execution.aborters[token]
                self._clients.answer(token, error(self._does_not_stop(execution)))
            if not execution.aborters:
                self._stopping.discard(execution.id)

    @staticmethod
    def _does_not_stop(execution: Execution) -> str:
        return (
            f"execution {execution.id} has not stopped within {STOPPING:.0f} s: its code waits or "
            "computes outside of Python; it ends when that returns, see RG.GETEXECUTION"
        )

    def drop(self, execution: Execution) -> None:
        """Forget a finished execution.

        Raises
        ------
        OptionError
            It still runs.
        """
        if not execution.finished:
            raise OptionError("can not drop a not yet finished execution, abort it first.")
        self._remove(execution)

    def dump(self) -> list[Tree]:
        """List all executions, as RG.DUMPEXECUTIONS does."""
        return [
            flat({"executionId": each.id, "status": each.status, "registered": 0})
            for each in self._executions.values()
        ]

    def describe(self, execution: Execution) -> list[Tree]:
        """Describe an execution, as RG.GETEXECUTION does: a list with one item a shard."""
        return [["shard_id", self.shard_id, "execution_plan", plan(execution)]]


def plan(execution: Execution) -> list[Tree]:
    """Describe what became of an execution on this shard."""
    return flat(
        {
            "status": execution.status,
            "shards_received": 0,
            "shards_completed": 0,
            "results": len(execution.results) if execution.finished else -1,
            "errors": list(execution.errors),
            "total_duration": int(execution.total_ms),
            "read_duration": int(execution.read_ms),
            "steps": [step(each) for each in execution.steps],
        }
    )


def step(given: list[Tree]) -> list[Tree]:
    """Describe a step: ``[type, name, arg]`` before it has run, ``[type, ms, name, arg]`` after.

    Examples
    --------
    >>> step(["map", 1.9, "<lambda>", ""])
    ['type', 'map', 'duration', 1, 'name', '<lambda>', 'arg', '']
    """
    kind, *ms, name, argument = given
    return flat({"type": kind, "duration": int(ms[0]) if ms else 0, "name": name, "arg": argument})
