"""The process between a program and its embedded server: it ends the server with the program.

The program holds the only writing end of a pipe that the watchdog reads. The pipe ends when the
program closes it, and also when the program ends in any way, by ``kill -9`` too: the kernel
closes it. Then the watchdog stops the server and removes its private folder. So there is one way
to stop, whatever the reason.

The kernel's own service for this (``PR_SET_PDEATHSIG``) is not used: it is Linux's alone, and it
fires when the *thread* that started the server ends. The watchdog is a shell because that starts
in a millisecond, and works where ``sys.executable`` is not a Python.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

# Positional parameters: seconds until SIGKILL, the private folder, the log, the server's command.
#
# - File 3 is the pipe to the program. The server inherits it and the shell drops it, so the
#   program reads the server's pid there, and then the end of file when the server has ended.
# - File 9 is the data folder's lock, which comes as standard error. The server and the shell hold
#   it, and nothing that could outlive the shell: the folder is free when the shell has ended.
# - A signal makes `read` return: whoever ends the watchdog ends the server in good order. PIPE
#   comes where the program has ended before it was told the pid.
# - A server that died earlier stays a zombie until `wait`, so its pid cannot be another process.
# - `wait` has no time limit in POSIX, hence the second background job. TERM, to all that is left of
#   this process group, ends its `sleep`. A shell that was forked just now may lose a TERM, but not
#   a KILL, and must not kill a pid that is free again. The server is such a shell until it is
#   executed, so it gets its TERM more than once.
SCRIPT = r"""
limit=$1 folder=$2 log=$3; shift 3
exec 9>&2 3>&1 >>"$log" 2>&1
trap : HUP INT TERM PIPE
"$@" </dev/null &
server=$!
echo "$server" >&3
exec 3>&-
read -r _
kill -TERM "$server"
{
    exec 9>&-
    for pause in 0.05 0.2 1; do
        sleep "$pause"
        kill -TERM "$server"
    done
    sleep "$limit"
    kill -KILL "$server"
} &
timer=$!
trap '' HUP INT TERM
wait "$server"
kill -TERM 0
kill -KILL "$timer"
wait "$timer"
rm -rf "$folder"
"""


def spawn(
    command: Sequence[str], *, limit: float, folder: Path, log: Path, lock: int | None
) -> subprocess.Popen[bytes]:
    """Start a server under a watchdog.

    Writing to, or closing, the result's ``stdin`` stops the server. Its ``stdout`` gives the
    server's pid and a newline, and ends when the server has ended. ``lock`` is an open file, which
    stays open until the result has ended, and no longer.
    """
    arguments = [str(limit), str(folder), str(log), *command]
    return subprocess.Popen(
        ["/bin/sh", "-c", SCRIPT, "gearframe-watchdog", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if lock is None else lock,
        # Ctrl-C goes to the terminal's whole group; the server must outlast the program's
        # last commands.
        start_new_session=True,
        bufsize=0,
        cwd="/",
    )
