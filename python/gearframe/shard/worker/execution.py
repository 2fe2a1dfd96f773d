"""Running a plan, and telling the control plane what came of it."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import Any

from gearframe.gears.outcome import Outcome
from gearframe.gears.plan import Plan
from gearframe.gears.results import reply_tree
from gearframe.gears.run import run_plan
from gearframe.gears.runtime import Launcher
from gearframe.gears.stages.parking import cancel_all
from gearframe.shard.worker.asking import leave_all
from gearframe.shard.worker.atomic import release
from gearframe.shard.worker.failures import failure_text
from gearframe.shard.worker.runtime import ServerRuntime
from gearframe.shard.worker.tasks import Task


class Execution:
    """One run of a plan.

    Attributes
    ----------
    pair : list
        ``[results, errors]`` as coroutines that wait for it get them, once it is done.
    """

    def __init__(self, task: Task, plan: Plan, launch: Launcher) -> None:
        self._task = task
        self._plan = plan
        self._launch = launch
        self._runtime = task.runtime()
        self.pair: list[list[Any]] = [[], []]

    def run(self) -> dict[str, Any]:
        """Run it on this thread; gives what the control plane is told."""
        start = time.perf_counter()
        try:
            _, told = self._task.guard.run(self._work)
        finally:
            clean_up(self._runtime)
        total = (time.perf_counter() - start) * 1000
        if told is None or self._task.guard.stopped():
            told = self._ended(total)
        return told | {"walk": dict(self._runtime.cost)}

    def _work(self) -> dict[str, Any]:
        profile = self._task.session.profile if self._task.settings.profile else None
        try:
            with profile.measure() if profile else nullcontext():
                outcome = run_plan(
                    self._plan, self._runtime, limits=self._task.limits(), launch=self._launch
                )
            return self._told(outcome)
        except Exception as error:  # noqa: BLE001  what the engine could not lay to a record
            text = failure_text(error, with_traceback=self._task.settings.traceback)
            self.pair = [[], [text]]
            return _message(errors=[text])

    def _told(self, outcome: Outcome) -> dict[str, Any]:
        self.pair = [outcome.results, outcome.errors]
        steps = [[step.type, step.milliseconds, step.name, step.argument] for step in outcome.steps]
        return _message(
            results=[reply_tree(result) for result in outcome.results],
            errors=outcome.errors,
            total_ms=outcome.total_seconds * 1000,
            read_ms=outcome.read_seconds * 1000,
            steps=steps,
        )

    def _ended(self, total: float) -> dict[str, Any]:
        """What is told of an execution that was ended from outside: the reason."""
        reason = str(self._task.guard.reason)
        self.pair = [[], [reason]]
        steps = [[kind, 0.0, name, argument] for kind, name, argument in self._plan.describe()]
        return _message(errors=[reason], aborted=True, total_ms=total, steps=steps)


def not_begun(plan: Plan, reason: str) -> dict[str, Any]:
    """What is told of an execution that was aborted while it waited for its turn."""
    steps = [[kind, 0.0, name, argument] for kind, name, argument in plan.describe()]
    return _message(errors=[reason], aborted=True, steps=steps)


def _message(
    *,
    results: list[Any] | None = None,
    errors: list[str] | None = None,
    aborted: bool = False,
    total_ms: float = 0.0,
    read_ms: float = 0.0,
    steps: list[list[Any]] | None = None,
) -> dict[str, Any]:
    return {
        "results": results or [],
        "errors": errors or [],
        "aborted": aborted,
        "total_ms": total_ms,
        "read_ms": read_ms,
        "steps": steps or [],
    }


def clean_up(runtime: ServerRuntime) -> None:
    """Let go of what an interrupt kept user code from letting go of."""
    let_go()
    runtime.close()


def let_go() -> None:
    """Let go of what this thread has: the server's lock, records and answers that it waits for."""
    release()
    cancel_all()
    leave_all()
