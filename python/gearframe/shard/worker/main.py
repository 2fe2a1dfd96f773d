"""A worker: takes messages from its mailbox, and runs scripts and executions on its threads."""

from __future__ import annotations

import gc
import itertools
import threading
from contextvars import copy_context
from dataclasses import replace
from typing import Any

from gearframe.exceptions import GearframeError, GearsError
from gearframe.gears.futures import create_future, set_future_exception, set_future_results
from gearframe.gears.loop import cancel_all, stop_loop, use_interrupt
from gearframe.gears.plan import Plan
from gearframe.gears.runtime import Launcher
from gearframe.gears.stages.scope import no_step
from gearframe.shard import host
from gearframe.shard.worker.execution import Execution, let_go, not_begun
from gearframe.shard.worker.globals import environment, fill_main
from gearframe.shard.worker.interrupts import interrupt
from gearframe.shard.worker.launch import ScriptLauncher
from gearframe.shard.worker.limits import Guard, Watchdog, undisturbed
from gearframe.shard.worker.output import redirect, to_log
from gearframe.shard.worker.pool import Job, Pool
from gearframe.shard.worker.runtime import Caller
from gearframe.shard.worker.script import run_script
from gearframe.shard.worker.session import Sessions
from gearframe.shard.worker.tasks import ABORTED, Settings, Task

CONTROL = 0  # the control plane's mailbox

# How many more containers there are before garbage is looked for. A batch of records alone is more
# than CPython's own 700, and would be looked through each time, though it is gone a moment later.
_GARBAGE = 5_000

# Executions and scripts that gears begin have threads of their own, those inside of these too, and
# so on: what began them may wait, and must not keep the thread from what it waits for.
_NESTED_THREADS = 64
_DEEPEST = 16


def run(box: int) -> None:
    """Be a worker in this interpreter, until it is told to end or its mailbox is closed.

    Parameters
    ----------
    box : int
        Its mailbox.
    """
    redirect()
    fill_main()
    use_interrupt(interrupt, let_go)
    gc.set_threshold(_GARBAGE, *gc.get_threshold()[1:])
    Worker(box).serve()


class Worker:
    """One mailbox, its sessions and its threads.

    Parameters
    ----------
    box : int
        The mailbox.
    """

    def __init__(self, box: int) -> None:
        self._box = box
        self._sessions = Sessions(environment)
        self._watchdog = Watchdog(interrupt)
        threads = int(host.config_get("ExecutionThreads") or 3)
        nested = [(f"gears-nested-{level}", _NESTED_THREADS) for level in range(1, _DEEPEST + 1)]
        self._pools = [Pool(*each, _fault) for each in [("gears", threads), *nested]]
        self._lock = threading.Lock()
        self._running: dict[str, tuple[Task, Job]] = {}
        self._numbers = itertools.count(1)

    # -- messages ----------------------------------------------------------------------------------

    def serve(self) -> None:
        """Take messages until the end."""
        while (message := host.take(self._box, -1)) is not None:
            if message[0] == "end":
                break
            self._take(message)
        self._end()

    def _take(self, message: Any) -> None:
        kind, *rest = message
        try:
            getattr(self, f"_on_{kind}")(*rest)
        except Exception as error:  # noqa: BLE001  one message must not end all others' worker
            _fault(error)
            if kind in ("script", "profile", "profile_reset"):
                host.post(CONTROL, ("failed", rest[0], str(error)))

    def _end(self) -> None:
        """End the threads after what they have got; it can still be aborted."""
        for pool in self._pools:  # the deeper ones last: the others wait for them
            pool.end()
            while pool.alive(0.05):
                self._take_now()
        self._watchdog.end()
        stop_loop()

    def _take_now(self) -> None:
        message = host.take(self._box, 0)
        if message is not None:
            self._take(message)

    def _on_end(self) -> None:
        """It is ending already."""

    def _on_open(self, session: str, options: dict[str, Any]) -> None:
        self._sessions.open(session, options)

    def _on_close(self, session: str) -> None:
        self._sessions.close(session)

    def _on_cancel(self, session: str) -> None:
        reason = "the coroutine was cancelled: its session has ended"
        cancel_all(self._sessions.get(session).coroutines, reason)

    def _on_script(self, job: int, session: str, source: bytes, options: dict[str, Any]) -> None:
        try:
            found = self._sessions.get(session)
            depth = _checked(options.get("depth", 0))
        except GearframeError as error:
            host.post(CONTROL, ("failed", job, str(error)))
            return
        caller = Caller(options["user"], options["db"], options["execution_id"], session, depth)
        task = Task(job, caller, found, Settings.of(options), Guard(self._watchdog))
        job_ = Job(lambda: self._script(task, source), lambda: self._script_dropped(task))
        self._submit(task, job_)

    def _on_abort(self, execution: str) -> None:
        inner = f"{execution}."
        with self._lock:
            found = [
                each
                for name, each in self._running.items()
                if name == execution or name.startswith(inner)
            ]
        for task, job in found:
            task.guard.stop(ABORTED)
            job.drop()

    def _on_profile(self, job: int, session: str, order: str | None) -> None:
        text = error = None
        try:
            profile = self._sessions.get(session).profile
            text = profile.text(order) if profile else None
            error = None if profile else f"session {session} is not profiled: {_HOW_TO_PROFILE}"
        except GearframeError as problem:
            error = str(problem)
        host.post(CONTROL, ("profile", job, text, error))

    def _on_profile_reset(self, job: int, session: str) -> None:
        error = None
        try:
            profile = self._sessions.get(session).profile
            if profile:
                profile.reset()
            else:
                error = f"session {session} is not profiled: {_HOW_TO_PROFILE}"
        except GearframeError as problem:
            error = str(problem)
        host.post(CONTROL, ("profile", job, None if error else "OK", error))

    # -- jobs --------------------------------------------------------------------------------------

    def _submit(self, task: Task, job: Job) -> None:
        with self._lock:
            self._running[task.execution] = (task, job)
            task.session.tasks += 1
        self._pools[task.caller.depth].submit(job)

    def _forget(self, task: Task) -> None:
        """Let go of a task that has ended, before its end is told; the first call counts."""
        task.stop_clock()
        with self._lock:
            if self._running.get(task.execution, (None,))[0] is not task:
                return
            del self._running[task.execution]
            task.session.tasks -= 1
            left = task.session.tasks
        if not left and self._sessions.is_open(task.session):
            name = task.session.id
            task.session.coroutines.when_over(
                lambda: host.post(CONTROL, ("lingers", name)),
                lambda: host.post(CONTROL, ("rests", name)),
            )

    def _script(self, task: Task, source: bytes) -> None:
        """Run a script, then the execution that it made."""
        spawn = self._spawner(task)
        launch = ScriptLauncher(spawn)
        task.start_clock()
        try:
            failure = run_script(task, source, launch)
            if failure is None and launch.plan is not None:
                self._execute(task, launch.plan, spawn, launch.future)
                return
            self._forget(task)
            if failure is not None:
                host.post(CONTROL, ("failed", task.job, failure))
            else:
                host.post(CONTROL, ("no_execution", task.job))
        except Exception as error:
            _lost(task, error)
            raise
        finally:
            self._forget(task)

    def _script_dropped(self, task: Task) -> None:
        self._forget(task)
        host.post(CONTROL, ("failed", task.job, ABORTED))

    def _execute(self, task: Task, plan: Plan, spawn: Launcher, future: Any) -> None:
        """Run a plan, and tell of it before and after."""
        host.post(CONTROL, ("started", task.job, task.execution, plan.describe()))
        execution = Execution(task, plan, spawn)
        told = execution.run()
        self._forget(task)
        host.post(CONTROL, ("done", task.execution, told))
        if future is not None:
            set_future_results(future, execution.pair)

    def _spawner(self, parent: Task) -> Launcher:
        """Make what runs plans of a task's steps, threads and coroutines at once."""

        def spawn(plan: Plan) -> Any:
            depth = _checked(parent.caller.depth + 1)
            steps = plan.describe()
            # Half begun, it would be in the lists for ever.
            return undisturbed(lambda: self._begin_nested(parent, plan, steps, depth))

        return spawn

    def _begin_nested(self, parent: Task, plan: Plan, steps: list[Any], depth: int) -> Any:
        name = f"{parent.execution}.{next(self._numbers)}"
        caller = replace(parent.caller, execution=name, depth=depth)
        guard = Guard(self._watchdog)
        task = Task(None, caller, parent.session, parent.settings, guard)
        if (limit := parent.guard.limit) is not None:
            guard.stop_at(limit)
        future = create_future()
        variables = copy_context()
        variables.run(no_step)
        host.post(CONTROL, ("spawned", parent.execution, name, steps))
        job = Job(
            lambda: variables.run(self._nested_run, task, plan, future),
            lambda: self._nested_dropped(task, plan, future),
        )
        self._submit(task, job)
        if parent.guard.stopped():  # too late for the abort of the parent to have found it
            guard.stop(str(parent.guard.reason))
            job.drop()
        return future

    def _nested_run(self, task: Task, plan: Plan, future: Any) -> None:
        task.start_clock()
        try:
            self._execute(task, plan, self._spawner(task), future)
        except Exception as error:
            _lost(task, error)
            set_future_exception(future, error)
            raise
        finally:
            self._forget(task)

    def _nested_dropped(self, task: Task, plan: Plan, future: Any) -> None:
        self._forget(task)
        reason = task.guard.reason or ABORTED
        host.post(CONTROL, ("done", task.execution, not_begun(plan, reason)))
        set_future_results(future, [[], [reason]])


_HOW_TO_PROFILE = "set ProfileExecutions 1 before its script runs"


def _checked(depth: int) -> int:
    """Refuse what would be too deep inside of others."""
    if depth > _DEEPEST:
        raise GearsError(
            f"executions and scripts can be {_DEEPEST} deep inside of each other and no more; does"
            " a function run the gear that it is part of?"
        )
    return depth


def _lost(task: Task, error: Exception) -> None:
    """Tell that a task has ended without its outcome; its client must not wait for ever."""
    text = f"what became of it cannot be told: {error!a}"
    if task.job is not None:
        host.post(CONTROL, ("failed", task.job, text))
    host.post(CONTROL, ("done", task.execution, {"results": [], "errors": [text], "aborted": True}))


def _fault(error: BaseException) -> None:
    """Tell of a fault of the worker itself."""
    to_log(f"a worker failed in a way that it should not: {error!r}", "warning")
