"""Sessions: the names, folders and profile that scripts of one client's program share."""

from __future__ import annotations

import gc
import importlib
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from gearframe.exceptions import GearsError
from gearframe.gears.pending import Pending
from gearframe.shard.worker.failures import hide_source, show_source
from gearframe.shard.worker.profile import SessionProfile

_CLOSED_PER_COLLECTION = 100


class Session:
    """What the scripts of a session share.

    Attributes
    ----------
    id : str
        How it is called.
    names : dict of str to object
        The global variables of its scripts.
    description : str
        What its author calls it.
    profile : SessionProfile or None
        What its code took, where that is measured.
    coroutines : Pending
        What of it is on the loop.
    tasks : int
        How many scripts and executions of it wait or run.
    """

    def __init__(self, name: str, names: dict[str, Any], options: Mapping[str, Any]) -> None:
        self.id = name
        self.names = names
        self.description: str = options.get("description") or ""
        self.site: list[str] = list(options.get("site") or ())
        self.profile = SessionProfile() if options.get("profile") else None
        self.coroutines = Pending()
        self.tasks = 0
        self._files: list[str] = []

    def add_script(self, source: str) -> str:
        """Note a script's lines for tracebacks; give the file name they are found by."""
        number = f" {len(self._files) + 1}" if self._files else ""
        name = f"<gears {self.id}{number}>"
        self._files.append(name)
        show_source(name, source)
        return name

    def close(self) -> None:
        """Forget the scripts' lines."""
        while self._files:
            hide_source(self._files.pop())


class Sessions:
    """The sessions of an interpreter.

    Parameters
    ----------
    environment : function
        Makes the global variables that a new session begins with.
    """

    def __init__(self, environment: Callable[[], dict[str, Any]]) -> None:
        self._environment = environment
        self._sessions: dict[str, Session] = {}
        self._folders: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._closed = 0

    def open(self, name: str, options: Mapping[str, Any]) -> Session:
        """Begin a session, in place of one with the same name."""
        self.close(name)
        session = Session(name, self._environment(), options)
        with self._lock:
            self._sessions[name] = session
            self._add_folders(session.site)
        return session

    def get(self, name: str) -> Session:
        """Find a session.

        Raises
        ------
        GearsError
            There is none of that name.
        """
        session = self._sessions.get(name)
        if session is None:
            raise GearsError(f"session {name} is not open here; open it before running its scripts")
        return session

    def is_open(self, session: Session) -> bool:
        """Whether a session is the one that has its name."""
        return self._sessions.get(session.id) is session

    def close(self, name: str) -> None:
        """End a session. Code of it that still runs keeps its variables."""
        with self._lock:
            session = self._sessions.pop(name, None)
            if session is None:
                return
            self._drop_folders(session.site)
            session.close()
            self._closed += 1
        # Functions and the variables they see refer to each other: only a collection frees them.
        if self._closed % _CLOSED_PER_COLLECTION == 0:
            gc.collect()

    def _add_folders(self, folders: list[str]) -> None:
        """Put folders in front, so that a session gets the versions that it asked for.

        A module that this interpreter has imported stays what it is, for all of its sessions.
        """
        for folder in reversed(folders):
            if not self._folders[folder]:
                sys.path.insert(0, folder)
            self._folders[folder] += 1
        if folders:
            importlib.invalidate_caches()

    def _drop_folders(self, folders: list[str]) -> None:
        for folder in folders:
            self._folders[folder] -= 1
            if not self._folders[folder] and folder in sys.path:
                sys.path.remove(folder)
