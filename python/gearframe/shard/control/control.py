"""The control plane's state, in one place, and the lock that guards it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from gearframe.exceptions import GearsError
from gearframe.shard.control import worker_thread
from gearframe.shard.control.background import Background
from gearframe.shard.control.clients import Clients
from gearframe.shard.control.executions import Executions
from gearframe.shard.control.folders import Folders
from gearframe.shard.control.hosting import Host, Tree
from gearframe.shard.control.info import Info
from gearframe.shard.control.pip import Pip
from gearframe.shard.control.replies import error
from gearframe.shard.control.requirements import Requirements
from gearframe.shard.control.scripts import Scripts
from gearframe.shard.control.sessions import Session, Sessions
from gearframe.shard.control.settings import Settings
from gearframe.shard.control.workers import STARTING, Workers, start_thread


class Control:
    """Registries of clients, sessions, executions and requirements over one host.

    Whoever changes or reads them holds `lock`. It is held for moments only: user code runs in the
    workers, installing and copying files in the background, and replies are sent without it.

    Parameters
    ----------
    host : Host
        The server.
    start_shared : function, optional
        Starts the shared worker on a mailbox.
    background : function, optional
        Runs what takes long, one after the other.
    aside : function, optional
        Runs commands that take long, one after the other.
    install : function, optional
        Installs requirements into a folder.
    clock : function
        Seconds, for time limits.
    """

    def __init__(
        self,
        host: Host,
        *,
        start_shared: Callable[[int], None] | None = None,
        background: Callable[[Callable[[], None]], None] | None = None,
        aside: Callable[[Callable[[], None]], None] | None = None,
        install: Callable[[Any, Path, int], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        facts = host.facts()
        self.host = host
        self.lock = threading.RLock()
        self.settings = Settings(host)
        self.pip = Pip(str(facts.get("executable", "python3")), host.log)
        self.background = Background(host, "gears-install")
        self.copying = Background(host, "gears-copy")
        self.aside = aside or self.copying
        self.threads: list[threading.Thread] = []
        run_later = background or self.background
        self.folders = Folders(host, self.settings, install or self.pip.install)
        self.clients = Clients(host)
        self.workers = Workers(host, start_shared or self._start_shared, clock)
        self.requirements = Requirements(host, self.folders, run_later)
        self.sessions = Sessions(self.workers, self.requirements.release)
        self.executions = Executions(
            self.clients,
            self.sessions,
            self.workers,
            self.settings,
            clock,
            str(facts.get("shard_id", "0" * 40)),
        )
        self.scripts = Scripts(
            host,
            self.settings,
            self.clients,
            self.workers,
            self.sessions,
            self.executions,
            self.requirements,
        )
        self.info = Info(host, self.executions, self.sessions, self.requirements, self.workers)
        self.stopping = False
        self._profiles: dict[int, int] = {}

    def _start_shared(self, box: int) -> None:
        self.threads.append(start_thread(worker_thread.run, "gears-worker", box))

    def publish(self) -> None:
        """Tell INFO what changed, then send the replies: who is answered sees it there.

        Called without the lock.
        """
        with self.lock:
            self.info.update()
        self.clients.send()

    # -- messages of the host and of workers -------------------------------------------------------

    def receive(self, message: Tree) -> None:
        """Take a message from the control plane's mailbox."""
        kind, *content = message
        with self.lock:
            self._MESSAGES[kind](self, *content)

    def look_at_the_clock(self) -> None:
        """End the waiting for what takes too long. Called with the lock held."""
        self.executions.look_at_the_clock()
        for worker in self.workers.give_up_late():
            problem = (
                f"the sub-interpreter of this session has not started within {STARTING:.0f} s;"
                " other gears may keep Python busy: see RG.DUMPEXECUTIONS, or use ISOLATION shared"
            )
            self.host.log("warning", problem)
            self.scripts.worker_lost(worker, None, problem)

    def ask_profile(self, session: Session, order: str | None, token: int) -> None:
        """Have the worker of a session print its profile for a client."""
        worker = session.worker
        if worker is None:
            raise GearsError(f"session {session.id} has no worker now, nothing of it runs")
        number = self.scripts.new_job()
        self._profiles[number] = token

        def left() -> None:
            self._profiles.pop(number, None)

        self.clients.wait(token, left)
        self.workers.post(worker, ("profile", number, session.key, order))

    def _profile(self, number: int, text: str | None, problem: str | None) -> None:
        token = self._profiles.pop(number, None)
        if token is not None:
            self.clients.answer(token, text or "" if problem is None else error(problem))

    def _failed(self, number: int, problem: str) -> None:
        if number in self._profiles:
            self._profile(number, None, problem)
        else:
            self.scripts.failed(number, problem)

    def _worker_ended(self, box: int, text: str | None) -> None:
        lost = self.workers.ended(box, text)
        if lost is not None and not self.stopping:
            self.scripts.worker_lost(lost, text)

    def _shutdown(self) -> None:
        self.stopping = True

    _MESSAGES: ClassVar[dict[str, Callable[..., None]]] = {
        "disconnected": lambda self, token: self.clients.disconnected(token),
        "shutdown": _shutdown,
        "installed": lambda self, *of: self.requirements.installed(*of),
        "worker_begun": lambda self, box: self.workers.begun(box),
        "worker_ended": _worker_ended,
        "profile": _profile,
        "started": lambda self, *of: self.scripts.started(*of),
        "no_execution": lambda self, *of: self.scripts.no_execution(*of),
        "failed": _failed,
        "done": lambda self, *of: self.scripts.done(*of),
        "spawned": lambda self, *of: self.scripts.spawned(*of),
        "lingers": lambda self, key: self.sessions.linger(key, lingers=True),
        "rests": lambda self, key: self.sessions.linger(key, lingers=False),
    }
