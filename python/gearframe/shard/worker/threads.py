"""How code in threads and coroutines of a script's own gets at the script's session."""

from __future__ import annotations

import threading
from collections.abc import Coroutine
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any

from gearframe.exceptions import GearsError
from gearframe.gears.futures import StepFuture, run_coroutine
from gearframe.gears.runtime import Launcher, Runtime, current_or_none, enter, launcher
from gearframe.shard.worker.limits import undisturbed


@dataclass(frozen=True, eq=False)
class PyExecutionSession:
    """A session as scripts hold it: from ``getGearsSession``, for ``setGearsSession``."""

    runtime: Runtime
    launch: Launcher | None


def get_session() -> PyExecutionSession | None:
    """The session of this thread or coroutine; None where there is none."""
    runtime = current_or_none()
    return None if runtime is None else PyExecutionSession(runtime, launcher())


def set_session(session: PyExecutionSession | None) -> None:
    """Let this thread or coroutine belong to a session, or to none.

    Raises
    ------
    GearsError
        What was given is no session.
    """
    if session is None:
        enter(None, None)
    elif isinstance(session, PyExecutionSession):
        enter(session.runtime, session.launch)
    else:
        raise GearsError(
            f"{type(session).__name__} is no session; give what getGearsSession() returned, or None"
        )


def register_thread() -> None:
    """Do nothing: Python knows its threads. Scripts of RedisGears had to call it."""


class GearsSession:
    """Belong to a session in a block of code; to that of before after it."""

    def __init__(self, session: PyExecutionSession | None) -> None:
        self._session = session
        self._before: PyExecutionSession | None = None

    def __enter__(self) -> GearsSession:
        self._before = get_session()
        set_session(self._session)
        return self

    def __exit__(self, *_: object) -> None:
        set_session(self._before)


def _of(session: PyExecutionSession | None) -> Context:
    """The context variables for code that goes on by itself in a session."""
    context = copy_context()
    if session is not None:
        context.run(set_session, session)
    return context


class Thread(threading.Thread):
    """A thread that belongs to the session of the code that made it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._session = get_session()

    def run(self) -> None:
        """Do the thread's work in the session."""
        set_session(self._session)
        super().run()


def run_in_session(
    cr: Coroutine[Any, Any, Any],
    f: StepFuture | None = None,
    delay: float = 0,
    s: PyExecutionSession | None = None,
) -> None:
    """Run a coroutine on the loop's thread, in a session; by default that of the caller.

    Parameters
    ----------
    cr : coroutine
        What to run.
    f : StepFuture, optional
        Goes on with what the coroutine gives.
    delay : float
        Seconds before it begins.
    s : PyExecutionSession, optional
        The session.
    """
    # Half begun, it would keep its session for ever.
    undisturbed(partial(run_coroutine, cr, f, delay, _of(s)))
