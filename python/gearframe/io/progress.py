"""A progress bar for long scans and writes."""

from __future__ import annotations

from gearframe.interrupts import LateInterrupt


class ProgressBar:
    """A bar on standard error with a count, a rate and an estimate of the time left.

    It has no thread of its own: it is redrawn when the count moves, so nothing is left behind
    when its owner is dropped. Ctrl-C comes when it has been drawn: rich draws with generators,
    and what is raised while Python ends one of those is lost.

    Parameters
    ----------
    title : str
        What is being done.
    total : int or None
        How much there is; an estimate. None shows no end.
    """

    def __init__(self, title: str, total: int | None) -> None:
        with LateInterrupt():
            self._open(title, total)

    def _open(self, title: str, total: int | None) -> None:
        # Imported here: it takes its time, and most programs show no bar.
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} keys"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            auto_refresh=False,
            transient=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task(title, total=total, rate="")
        self._progress.start()
        # Polars may drop a scan in the middle, with Ctrl-C perhaps, and then nothing is called
        # that could give the cursor back.
        self._progress.console.show_cursor(True)

    def advance_to(self, count: int) -> None:
        """Show a count."""
        with LateInterrupt():
            speed = self._progress.tasks[0].finished_speed or self._progress.tasks[0].speed
            rate = f"{speed:,.0f}/s" if speed else ""
            self._progress.update(self._task, completed=count, rate=rate, refresh=True)

    def finish(self) -> None:
        """Show the end: what has been counted is all there was."""
        with LateInterrupt():
            done = self._progress.tasks[0].completed
            self._progress.update(self._task, total=done, completed=done, refresh=True)
            self._progress.stop()

    def stop(self) -> None:
        """Leave the bar as it is."""
        with LateInterrupt():
            self._progress.stop()
