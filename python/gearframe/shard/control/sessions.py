"""Sessions: what scripts run in, and for how long they stay.

A session is created by RG.PYEXECUTE. It stays as long as something refers to it: its script while
it runs, every execution that is kept (running, or finished and not yet dropped), every
registration, and the coroutines that it has left running. RedisGears counts these in ``refCount``
too. When the last is gone, so is the session, and its id can be used again; a script that neither
runs nor registers anything leaves none behind.

What costs memory is let go earlier: once no code of a session can run any more its worker forgets
it (a sub-interpreter ends), though its id is taken until the last of its results is dropped. A
session that is profiled keeps its worker, which has the profile.

A session that was replaced (UPGRADE, REPLACE_WITH) and still has executions is *dead* until they
are gone. When none of them runs, its coroutines are cancelled; so are those of a script that fails.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from gearframe.exceptions import OptionError
from gearframe.shard.control.hosting import Tree
from gearframe.shard.control.replies import flat
from gearframe.shard.control.requirements import RequirementSet
from gearframe.shard.control.workers import Worker, Workers

PRIMARY, TEMPORARY, UNLINKED = "primary", "temprary", "None"  # spelled as RedisGears prints them


@dataclass(eq=False)
class Session:
    """One session; `key` is its name towards the worker, where two may have the same id."""

    id: str
    key: str
    description: str
    isolation: str
    profile: bool
    names: tuple[str, ...] = ()
    requirements: RequirementSet | None = None
    linked: str = UNLINKED
    worker: Worker | None = None
    scripts: int = 0
    kept: set[str] = field(default_factory=set)
    running: set[str] = field(default_factory=set)
    lingers: bool = False
    registrations: list[Tree] = field(default_factory=list)

    @property
    def references(self) -> int:
        """How many things keep the session alive."""
        return self.scripts + len(self.kept) + len(self.registrations) + self.lingers

    @property
    def idle(self) -> bool:
        """Whether no code of the session can run any more."""
        return not (self.busy or self.lingers or self.registrations)

    @property
    def busy(self) -> bool:
        """Whether a script or an execution of the session runs."""
        return bool(self.scripts or self.running)


@dataclass(frozen=True)
class Wanted:
    """The session that a script asks for."""

    id: str | None = None
    upgrade: bool = False
    replaces: str | None = None
    description: str = ""
    isolation: str = "shared"
    profile: bool = False
    names: tuple[str, ...] = ()


class Sessions:
    """All sessions. Its methods are called with the control plane's lock held."""

    def __init__(self, workers: Workers, release: Callable[[RequirementSet], None]) -> None:
        self._workers = workers
        self._release = release
        self._linked: dict[str, Session] = {}
        self._all: dict[str, Session] = {}
        self._numbers = itertools.count(2)

    def __len__(self) -> int:
        return len(self._linked)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._linked.values()))

    @property
    def dead_count(self) -> int:
        """How many sessions were replaced and are not gone yet."""
        return len(self._all) - sum(each.linked != UNLINKED for each in self._all.values())

    def dead(self) -> list[Session]:
        """Give the sessions that were replaced and are not gone yet."""
        return [each for each in self._all.values() if self.is_dead(each)]

    def is_dead(self, session: Session) -> bool:
        """Whether a session was replaced and is not gone yet."""
        return session.linked == UNLINKED and self._is_there(session)

    def of(self, worker: Worker) -> list[Session]:
        """Give the sessions of a worker."""
        return [each for each in self._all.values() if each.worker is worker]

    def find(self, name: str) -> Session | None:
        """Give the session with an id."""
        return self._linked.get(name)

    def create(self, wanted: Wanted) -> Session:
        """Make a session for a script, which holds the first reference to it.

        A new id is taken from now on. A session that replaces another takes its place in `settle`.

        Raises
        ------
        OptionError
            The id is taken, or the session to replace is not there.
        """
        name = wanted.id or self._new_id()
        upgrades = self._check(wanted, name)
        key = name if name not in self._all else self._own_key(name)
        session = Session(
            name, key, wanted.description, wanted.isolation, wanted.profile, wanted.names
        )
        session.scripts, session.linked = 1, TEMPORARY
        self._all[key] = session
        if not upgrades:
            self._linked[name] = session
        return session

    def _check(self, wanted: Wanted, name: str) -> bool:
        """Whether the new session takes the place of one with the same id."""
        exists = name in self._linked
        if wanted.replaces is not None:
            if wanted.replaces not in self._linked:
                raise OptionError(
                    f"Can not replace with {wanted.replaces}, session does not exists."
                )
            if exists:
                raise OptionError(
                    f"Can not replace an existing session {name} with {wanted.replaces}"
                )
        elif exists and not wanted.upgrade:
            raise OptionError(f"Session {name} already exists")
        return exists

    def _own_key(self, name: str) -> str:
        return f"{name}#{next(self._numbers)}"

    def _is_there(self, session: Session) -> bool:
        return self._all.get(session.key) is session

    def _new_id(self) -> str:
        while True:
            name = secrets.token_hex(20)
            if name not in self._linked:
                return name

    def open(self, session: Session) -> Worker:
        """Tell a worker of a session; it is started where it is not there.

        Raises
        ------
        GearsError
            No worker can be started, or it is gone.
        """
        own = session.isolation == "subinterpreter"
        worker = self._workers.own(f"gears-{session.key}") if own else self._workers.shared()
        session.worker = worker
        folder = session.requirements.folder if session.requirements else None
        options = {
            "description": session.description,
            "site": [str(folder)] if folder else [],
            "profile": session.profile,
        }
        self._workers.post(worker, ("open", session.key, options))
        return worker

    def revive(self, session: Session) -> None:
        """Take in again a session that was gone, because a thread it left behind runs a gear."""
        if self._is_there(session) or session.isolation != "shared":
            return
        if session.key in self._all:  # another session has begun under this id since
            session.key = self._own_key(session.id)
        self._all[session.key] = session
        session.worker = self._workers.shared()

    def accept(self, session: Session, replaces: str | None) -> None:
        """Let a session whose script went well take its place, and that of the one it replaces."""
        for name in {session.id, replaces or session.id}:
            old = self._linked.get(name)
            if old is not None and old is not session:
                self._unlink(old)
                self.settle(old)
        session.linked = PRIMARY
        self._linked[session.id] = session

    def refuse(self, session: Session) -> None:
        """Take a session out whose script failed; what it replaced stays."""
        self._unlink(session)

    def _unlink(self, session: Session) -> None:
        session.linked = UNLINKED
        if self._linked.get(session.id) is session:
            del self._linked[session.id]

    def settle(self, session: Session) -> None:
        """Let go what a session needs no longer, after a reference to it has gone."""
        if session.references == 0 and self._is_there(session):
            self._unlink(session)
            del self._all[session.key]
            self._forget(session)
            if session.requirements is not None:
                self._release(session.requirements)
                session.requirements = None
        elif session.idle and not session.profile:
            self._forget(session)
        elif session.lingers and session.linked == UNLINKED and not session.busy:
            self._cancel(session)

    def _cancel(self, session: Session) -> None:
        if session.worker is not None:
            self._workers.tell(session.worker, ("cancel", session.key))

    def linger(self, key: str, *, lingers: bool) -> None:
        """Take in that coroutines of a session go on by themselves, or that none is left."""
        session = self._all.get(key)
        if session is not None:
            session.lingers = lingers
            self.settle(session)

    def _forget(self, session: Session) -> None:
        worker, session.worker = session.worker, None
        if worker is None:
            return
        self._workers.tell(worker, ("close", session.key))
        if not worker.shared:
            self._workers.end(worker)

    def dump(self, sessions: Iterable[Session], *, verbose: bool) -> list[Tree]:
        """Describe sessions, as RG.PYDUMPSESSIONS does."""
        return [self._dump(each, verbose=verbose) for each in sessions]

    def _dump(self, session: Session, *, verbose: bool) -> Tree:
        found = session.requirements
        return flat(
            {
                "ID": session.id,
                "sessionDescription": session.description,
                "refCount": session.references,
                "linked": session.linked,
                "dead": "true" if self.is_dead(session) else "false",
                "requirementInstallationNeeded": int(bool(session.names) and found is None),
                "requirements": found.dump() if verbose and found else list(session.names),
                "registrations": list(session.registrations),
            }
        )
