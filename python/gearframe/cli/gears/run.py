"""``gearframe gears run``, ``results`` and ``abort``: one execution."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from gearframe.cli.connection import ConnectionOptions
from gearframe.cli.console import tell
from gearframe.exceptions import GearsRunError, OptionError
from gearframe.gears.backends.local import converted
from gearframe.gears.backends.module import Isolation, answer_of, ask, execute_script
from gearframe.gears.backends.result import GearsResult

LOCAL = "redis://localhost:6379"


def run(
    script: Annotated[Path, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    url: str = LOCAL,
    requirement: Annotated[list[str] | None, Parameter(negative="")] = None,
    unblocking: Annotated[bool, Parameter(negative="")] = False,
    id: str | None = None,
    description: str | None = None,
    isolation: Isolation | None = None,
    connection: ConnectionOptions | None = None,
) -> None:
    """Have the server run a script, and print the results: one a line.

    Ctrl-C ends the execution in the server. For example:

    `gearframe gears run count.py --url redis://localhost --requirement pandas`

    Parameters
    ----------
    script
        A file of Python; in it GearsBuilder (GB), execute, log and the other names of RedisGears
        are there. `-` reads standard input.
    url
        The server: `redis://host:6379/0`, `rediss://` for TLS, `unix:///path`.
    requirement
        A package that the server installs for the script; may be given more than once.
    unblocking
        Do not wait: print the execution's id, for `gearframe gears results`.
    id
        What the session is called; a random name if not given.
    description
        What the session is for; `gearframe gears sessions` shows it.
    isolation
        `shared`: what the script imports is shared with all others, and every package works.
        `subinterpreter`: an interpreter of its own. By default what the server's setting says.
    """
    text = _read(script)
    with (connection or ConnectionOptions()).connect(url) as client:
        reply = execute_script(
            client,
            text,
            session_id=id,
            description=description,
            isolation=isolation,
            requirements=requirement or (),
            unblocking=unblocking,
        )
    if isinstance(reply, bytes):
        print(reply.decode(errors="backslashreplace"))
    else:
        _print_answer(reply)


def results(
    execution: str,
    /,
    *,
    url: str = LOCAL,
    wait: Annotated[bool, Parameter(negative="")] = False,
    connection: ConnectionOptions | None = None,
) -> None:
    """Print the results of an execution that was not waited for.

    For example: `gearframe gears results 0000000000000000000000000000000000000000-3 --wait`

    Parameters
    ----------
    execution
        Its id, as `gearframe gears run --unblocking` and `ps` print it.
    url
        The server.
    wait
        Wait until it is done; Ctrl-C ends the waiting and not the execution.
    """
    with (connection or ConnectionOptions()).connect(url) as client:
        command = "RG.GETRESULTSBLOCKING" if wait else "RG.GETRESULTS"
        _print_answer(ask(client, command, execution))


def abort(
    execution: str,
    /,
    *,
    url: str = LOCAL,
    connection: ConnectionOptions | None = None,
) -> None:
    """End an execution; one that is done already stays as it is.

    For example: `gearframe gears abort 0000000000000000000000000000000000000000-3`

    Parameters
    ----------
    execution
        Its id, as `gearframe gears ps` prints it.
    url
        The server.
    """
    with (connection or ConnectionOptions()).connect(url) as client:
        ask(client, "RG.ABORTEXECUTION", execution)
    tell(f"{execution}: ended")


def _read(script: Path) -> str:
    try:
        # Scripts are UTF-8 as files of Python are, whatever this machine takes for its encoding.
        if str(script) == "-":
            return sys.stdin.buffer.read().decode("utf-8-sig")
        return script.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise OptionError(f"{script} is no text in UTF-8 ({error.reason})") from None


def _print_answer(reply: Any) -> None:
    answer = answer_of(reply)
    for result in answer.results:
        shown = converted(result)
        print(shown if isinstance(shown, str) else repr(shown))
    if answer.errors:
        for error in answer.errors:
            print(error.rstrip(), file=sys.stderr)
        count = f"{len(answer.errors):,} error" + "s" * (len(answer.errors) != 1)
        kept = GearsResult(answer.results, answer.errors, backend="module", seconds=0)
        raise GearsRunError(f"{count} in the gear, shown above", kept)
