"""What the code of a session took, function by function (ProfileExecutions)."""

from __future__ import annotations

import io
import pstats
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gearframe.exceptions import GearsError
from gearframe.shard.worker.output import to_log

if TYPE_CHECKING:
    import cProfile

ORDERS = sorted(pstats.Stats.sort_arg_dict_default)


class SessionProfile:
    """The sum of what was measured in all threads of a session."""

    def __init__(self) -> None:
        self._stats: pstats.Stats | None = None
        self._lock = threading.Lock()

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Measure the block, on this thread."""
        profile = None
        try:
            profile = profiler_create()
            profile.enable()
        except (ValueError, ImportError) as error:
            # From Python 3.12 on one thread of an interpreter can be measured at a time, and the
            # profiler of 3.12 refuses sub-interpreters.
            to_log(f"this run is not profiled: {error}", "verbose")
            yield
            return
        except BaseException:  # an interrupt may come right behind `enable`
            if profile is not None:
                profile.disable()
            raise
        try:
            yield
        finally:
            profile.disable()
            self._add(profile)

    def _add(self, profile: cProfile.Profile) -> None:
        profile.create_stats()
        if not profile.stats:
            return
        with self._lock:
            if self._stats is None:
                self._stats = pstats.Stats(profile)
            else:
                self._stats.add(profile)

    def reset(self) -> None:
        """Begin anew."""
        with self._lock:
            self._stats = None

    def text(self, order: str | None = None) -> str:
        """Show what was measured, as pstats prints it.

        Parameters
        ----------
        order : str, optional
            A sort key of :mod:`pstats`; by default ``tottime``.

        Raises
        ------
        GearsError
            There is no such order.
        """
        order = order or "tottime"
        if order not in ORDERS:
            raise GearsError(f"unknown order {order!r} of a profile; known are {', '.join(ORDERS)}")
        with self._lock:
            if self._stats is None:
                return "nothing was measured yet\n"
            written = io.StringIO()
            self._stats.stream = written  # type: ignore[attr-defined]
            self._stats.sort_stats(order).print_stats()
        return written.getvalue()


# -- for scripts that measure parts of themselves --------------------------------------------------


def profiler_create() -> cProfile.Profile:
    """Make a profiler."""
    import cProfile  # refuses sub-interpreters of Python 3.12, so only who profiles imports it

    return cProfile.Profile()


def profile_start(profile: cProfile.Profile) -> None:
    """Measure this thread from now on."""
    profile.enable()


def profile_stop(profile: cProfile.Profile) -> None:
    """Measure no longer."""
    profile.disable()


def profile_get_info(profile: cProfile.Profile, order: str = "tottime") -> str:
    """Show what was measured, in an order of :mod:`pstats`."""
    written = io.StringIO()
    pstats.Stats(profile, stream=written).sort_stats(order).print_stats()
    return written.getvalue()
