"""A gear inside of the server: RG.PYEXECUTE over a connection of its own.

The server ends an execution whose client is gone, so closing the connection is how Ctrl-C and a
time-out end it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from gearframe.exceptions import GearsError, ReplyError, ServerTimeoutError
from gearframe.gears.wire import load_result, program_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gearframe.client import Client
    from gearframe.gears.plan import Plan

Isolation: TypeAlias = Literal["shared", "subinterpreter"]


class Answer(NamedTuple):
    """What RG.PYEXECUTE has answered: results as they came, and the texts of errors."""

    results: list[Any]
    errors: list[str]


def execute_script(
    client: Client,
    script: str,
    *,
    session_id: str | None = None,
    description: str | None = None,
    isolation: Isolation | None = None,
    requirements: Sequence[str] = (),
    unblocking: bool = False,
    timeout: float | None = None,
) -> Any:
    """Have the server run a script, and wait for its reply.

    Parameters
    ----------
    client : Client
        The server, with gearframe's module.
    script : str
        Python.
    session_id, description : str, optional
        What the session is called.
    isolation : {"shared", "subinterpreter"}, optional
        What the session shares with others; by default what the server's `Isolation` says.
    requirements : sequence of str
        Packages that the server installs for the session.
    unblocking : bool, default False
        Have the id of the execution at once.
    timeout : float, optional
        Seconds to wait for the reply; for ever if not given.

    Returns
    -------
    object
        The reply, with texts as bytes.

    Raises
    ------
    GearsError
        With the server's text, such as the traceback of the script.
    ServerTimeoutError
        If the reply takes longer. The server ends the execution.

    Notes
    -----
    Sends ``RG.PYEXECUTE`` on a connection of its own.
    """
    words: list[Any] = ["RG.PYEXECUTE", script]
    words += ["UNBLOCKING"] if unblocking else []
    words += ["ID", session_id] if session_id is not None else []
    words += ["DESCRIPTION", description] if description is not None else []
    words += ["ISOLATION", isolation] if isolation is not None else []
    words += ["REQUIREMENTS", *requirements] if requirements else []
    return ask(client, *words, timeout=timeout)


def ask(client: Client, *words: Any, timeout: float | None = None) -> Any:
    """Send a command of the module that may take long, on a connection of its own.

    Parameters
    ----------
    client, timeout
        As for `execute_script`.
    *words : str or bytes
        The command and its arguments.

    Returns
    -------
    object
        The reply, with texts as bytes.
    """
    import redis

    from gearframe.control import redis_client, server_errors

    changes = {"protocol": 2, "socket_timeout": timeout, "socket_keepalive": True}
    with redis_client(client, **changes) as control:
        try:
            with server_errors(client.options.label):
                return control.execute_command(*words)
        except ServerTimeoutError as error:
            raise ServerTimeoutError(
                f"{client.options.label}: the gear was not done within {timeout} seconds, and the "
                "server was told to end it; give a longer timeout, or none"
            ) from error
        except ReplyError as error:
            cause = error.__cause__
            is_reply = isinstance(cause, redis.ResponseError) and type(error) is ReplyError
            raise (GearsError(_explained(str(cause))) if is_reply else error) from cause


def answer_of(reply: Any) -> Answer:
    """Read the reply of an execution that has been waited for.

    Parameters
    ----------
    reply : object
        Of RG.PYEXECUTE, RG.GETRESULTS or RG.GETRESULTSBLOCKING.

    Raises
    ------
    GearsError
        If it is something else, such as the id of an execution.
    """
    if reply == b"OK":
        return Answer([], [])
    if not isinstance(reply, list) or len(reply) != 2:
        raise GearsError(f"expected results and errors from the server, and got {reply!r}")
    results, errors = reply
    return Answer(list(results), [_text(error) for error in errors])


def run_in_module(
    client: Client,
    plan: Plan,
    *,
    session_id: str | None = None,
    isolation: Isolation | None = None,
    requirements: Sequence[str] = (),
    timeout: float | None = None,
) -> Answer:
    """Run a plan inside of the server.

    Parameters
    ----------
    client, session_id, isolation, requirements, timeout
        As for `execute_script`.
    plan : Plan
        Sent by cloudpickle; the server must have the same minor version of Python.

    Returns
    -------
    Answer
        Results as Python objects: they are unpickled, so the server must be one that is trusted.
    """
    reply = execute_script(
        client,
        program_of(plan),
        session_id=session_id,
        description=plan.description,
        isolation=isolation,
        requirements=requirements,
        timeout=timeout,
    )
    answer = answer_of(reply)
    return Answer([_result(each) for each in answer.results], answer.errors)


def _result(data: Any) -> Any:
    if not isinstance(data, bytes):
        raise GearsError(f"expected a pickled result from the server, and got {data!r}")
    return load_result(data)


def _text(error: Any) -> str:
    if isinstance(error, bytes):
        return error.decode(errors="backslashreplace")
    return str(error)


def _explained(text: str) -> str:
    if text.startswith("unknown command"):
        return (
            "the server has no RG.PYEXECUTE: load gearframe's module into it (gearframe "
            'module-path prints where it is), or run with backend="local"'
        )
    if "No module named 'gearframe'" in text:
        return (
            f"{text}; the server's RG.PYEXECUTE is not of gearframe's module, or its Python has no "
            'gearframe: see gearframe module-path, or run with backend="local"'
        )
    return text
