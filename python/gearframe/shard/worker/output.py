"""What a script prints goes into the server's log, a line at a time; there is nothing to read."""

from __future__ import annotations

import io
import os
import sys
import threading

from gearframe.gears.trace import printable
from gearframe.shard import host

PREFIX = "GEARS: "

_LONGEST = 16384  # characters of a line that does not end


def to_log(text: str, level: str = "notice") -> None:
    """Write to the server's log, as scripts do."""
    host.log(level, PREFIX + printable(text))


class LogWriter(io.TextIOBase):
    """A text file whose lines are log lines. Each thread has a line of its own that it writes."""

    encoding = "utf-8"

    def __init__(self, level: str) -> None:
        self._level = level
        self._line = threading.local()

    def writable(self) -> bool:
        """It is for writing."""
        return True

    def write(self, text: str) -> int:
        """Take text, and log the lines that are complete."""
        *lines, rest = (getattr(self._line, "text", "") + text).split("\n")
        if len(rest) > _LONGEST:
            lines, rest = [*lines, rest], ""
        self._line.text = rest
        for line in lines:
            to_log(line, self._level)
        return len(text)

    def flush(self) -> None:
        """Log what is there of a line."""
        rest = getattr(self._line, "text", "")
        self._line.text = ""
        if rest:
            to_log(rest, self._level)


def redirect() -> None:
    """Send stdout and stderr of this interpreter to the log; stdin is empty."""
    sys.stdout = LogWriter("notice")
    sys.stderr = LogWriter("warning")
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115  it stays open
