"""The life of a script: its requirements, its body, and the execution it may create.

    begin -> (requirements) -> the worker runs the body -> started | no_execution | failed

Each arrow is a message, so no thread waits in between.
"""

from __future__ import annotations

import itertools
import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from gearframe.exceptions import GearframeError
from gearframe.shard.control.clients import Clients
from gearframe.shard.control.executions import Execution, Executions
from gearframe.shard.control.hosting import Host, Tree
from gearframe.shard.control.replies import OK, error
from gearframe.shard.control.requirements import Requirements, RequirementSet
from gearframe.shard.control.sessions import Session, Sessions, Wanted
from gearframe.shard.control.settings import Settings
from gearframe.shard.control.workers import Worker, Workers

_REFUSES = re.compile(r"module ([\w.]+) does not support loading in subinterpreters")
_ENDED = "the worker of this session has ended; see the server's log"

REMEMBERED = 1024
"""How many scripts that are over are known, should a thread of theirs still run a gear."""


@dataclass(eq=False)
class Script:
    """A script between RG.PYEXECUTE and the end of its body; its number is its job's."""

    number: int
    token: int
    client: dict[str, Any]
    body: bytes
    session: Session
    wanted: Wanted
    execution_id: str
    unblocking: bool
    launched: bool = False
    abandoned: bool = False


class Scripts:
    """All scripts whose body has not ended. Its methods are called with the lock held."""

    def __init__(
        self,
        host: Host,
        settings: Settings,
        clients: Clients,
        workers: Workers,
        sessions: Sessions,
        executions: Executions,
        requirements: Requirements,
    ) -> None:
        self._host, self._settings, self._clients = host, settings, clients
        self._workers, self._sessions = workers, sessions
        self._executions, self._requirements = executions, requirements
        self._scripts: dict[int, Script] = {}
        self._over: OrderedDict[str, Session] = OrderedDict()
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        return len(self._scripts)

    def new_job(self) -> int:
        """Give a number that no other order to a worker has."""
        return next(self._numbers)

    # -- towards the worker ------------------------------------------------------------------------

    def begin(
        self,
        token: int,
        client: dict[str, Any],
        body: bytes,
        wanted: Wanted,
        *,
        unblocking: bool,
        force: bool,
    ) -> None:
        """Take a script; its client is answered later.

        Raises
        ------
        OptionError
            The session cannot be made.
        """
        session = self._sessions.create(wanted)
        number = self.new_job()
        name = self._executions.new_id()
        script = Script(number, token, client, body, session, wanted, name, unblocking)
        self._scripts[number] = script
        self._clients.wait(token, lambda: self._left(script))

        def ready(found: RequirementSet | None, problem: str | None) -> None:
            session.requirements = found
            if problem is not None or script.abandoned:
                self._fail(script, problem or "the client has gone")
            else:
                self._launch(script)

        if wanted.names:
            self._requirements.ask(wanted.names, force=force, ready=ready)
        else:
            ready(None, None)

    def _launch(self, script: Script) -> None:
        try:
            worker = self._sessions.open(script.session)
            self._workers.post(worker, self._message(script))
        except GearframeError as problem:
            self._fail(script, str(problem))
            return
        script.launched = True
        script.body = b""

    def _message(self, script: Script) -> Tree:
        options = {
            "execution_id": script.execution_id,
            "user": script.client["user"],
            "db": script.client["db"],
            "protocol": script.client["protocol"],
            "time_limit_ms": self._settings.number("ExecutionTimeLimit"),
            "max_result_bytes": self._settings.number("MaxResultBytes"),
            "traceback": self._settings.flag("PythonAttemptTraceback"),
            "profile": script.session.profile,
            # What sent it is a script itself, which waits for it on a thread of the worker.
            "depth": script.client["depth"] + 1 if "depth" in script.client else 0,
        }
        return ("script", script.number, script.session.key, script.body, options)

    def _left(self, script: Script) -> None:
        """End a script whose client has gone; one that asked for an id only goes on."""
        if script.unblocking:
            return
        script.abandoned = True
        if script.launched and script.session.worker is not None:
            self._workers.tell(script.session.worker, ("abort", script.execution_id))

    # -- from the worker ---------------------------------------------------------------------------

    def started(self, number: int | None, name: str, steps: list[Tree]) -> None:
        """Take in that a script's execution, or one that was spawned, runs."""
        script = self._scripts.pop(number, None) if number is not None else None
        if script is None:
            spawned = self._executions.find(name)
            if spawned is not None and spawned.status == "created":
                spawned.status, spawned.steps = "running", steps
            return
        session = script.session
        execution = self._executions.add(name, session, steps, "running", kept=script.unblocking)
        self._accept(script)
        if script.unblocking:
            self._clients.answer(script.token, name)
        elif script.abandoned:
            self._executions.stop(execution)
        else:
            self._executions.wait(execution, script.token, owns=True)

    def no_execution(self, number: int) -> None:
        """Take in that a script has ended, and nothing is to be waited for."""
        script = self._scripts.pop(number, None)
        if script is not None:
            self._clients.answer(script.token, OK)
            self._accept(script)

    def failed(self, number: int, text: str) -> None:
        """Take in that a script raised an exception."""
        script = self._scripts.get(number)
        if script is not None:
            self._fail(script, with_hint(text, script.session))

    def spawned(self, parent: str, name: str, steps: list[Tree]) -> None:
        """Take in that a step has created an execution; it is dropped when it is done."""
        above = self._executions.find(parent)
        # What a script left behind in threads and coroutines speaks in the name of the script.
        session = above.session if above else self._over.get(parent.partition(".")[0])
        if session is not None and self._executions.find(name) is None:
            self._sessions.revive(session)
            self._executions.add(name, session, steps, "created", kept=False)

    def done(self, name: str, outcome: dict[str, Tree]) -> None:
        """Take in that an execution has ended."""
        execution = self._executions.find(name)
        if execution is not None:
            errors = [with_hint(each, execution.session) for each in outcome["errors"]]
            self._executions.finish(execution, outcome | {"errors": errors})

    def worker_lost(self, worker: Worker, text: str | None, problem: str = _ENDED) -> None:
        """End all that ran on a worker that is no more."""
        sessions = self._sessions.of(worker)
        for script in [each for each in self._scripts.values() if each.session in sessions]:
            self._fail(script, f"{problem}: {text}" if text else problem)
        for session in sessions:
            for execution in self._running(session):
                outcome = {"results": [], "errors": [problem], "aborted": True}
                self._executions.finish(execution, outcome)
            self._sessions.linger(session.key, lingers=False)

    def _running(self, session: Session) -> list[Execution]:
        return [each for each in map(self._executions.find, session.running) if each is not None]

    # -- the end of a body -------------------------------------------------------------------------

    def _accept(self, script: Script) -> None:
        self._over[script.execution_id] = script.session
        if len(self._over) > REMEMBERED:
            self._over.popitem(last=False)
        script.session.scripts -= 1
        self._sessions.accept(script.session, script.wanted.replaces)
        self._sessions.settle(script.session)

    def _fail(self, script: Script, text: str) -> None:
        del self._scripts[script.number]
        self._clients.answer(script.token, error(text))
        script.session.scripts -= 1
        self._sessions.refuse(script.session)
        self._sessions.settle(script.session)


def with_hint(text: str, session: Session) -> str:
    """Add what to do to the error of a library that sub-interpreters cannot load."""
    found = _REFUSES.search(text)
    if found is None or session.isolation != "subinterpreter":
        return text
    library = found[1].split(".")[0].lstrip("_")
    return (
        f"{text.rstrip()} ({library} cannot be used with ISOLATION subinterpreter; "
        "run the script with ISOLATION shared)"
    )
