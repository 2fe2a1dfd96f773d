"""Running a gear from a client, on one back end or the other."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from gearframe.exceptions import GearsRunError, OptionError, ServerTimeoutError
from gearframe.gears.backends.choice import Choice, choose
from gearframe.gears.backends.local import LocalRuntime
from gearframe.gears.backends.module import Answer, Isolation, run_in_module
from gearframe.gears.backends.result import GearsResult
from gearframe.gears.narrowing import WHOLE, Need, need_of
from gearframe.gears.outcome import Limits
from gearframe.gears.run import Progress, run_plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gearframe.client import Client
    from gearframe.gears.plan import Plan


def run(
    client: Client | str,
    plan: Plan,
    *,
    backend: str = "auto",
    on_error: Literal["raise", "keep"] = "raise",
    requirements: Sequence[str] | None = None,
    session_id: str | None = None,
    isolation: Isolation | None = None,
    timeout: float | None = None,
    progress: bool = False,
) -> GearsResult:
    """Run a plan for a client.

    Parameters
    ----------
    client : Client or str
        The server, or its URL.
    plan : Plan
        What to run.
    backend : {"auto", "module", "local"}, default "auto"
        Inside of the server, on the client, or where the server can.
    on_error : {"raise", "keep"}, default "raise"
        With records that failed: raise a `GearsRunError` that has results and errors, or return
        both.
    requirements : sequence of str, optional
        Packages that the server installs; on the client they must be there.
    session_id : str, optional
        What the session in the server is called.
    isolation : {"shared", "subinterpreter"}, optional
        What the session shares with others in the server, whose setting it is by default.
    timeout : float, optional
        The most seconds that the gear may take.
    progress : bool, default False
        Show a progress bar of the keys read; with the module there is none.

    Returns
    -------
    GearsResult

    Raises
    ------
    GearsRunError
        If a record failed.
    GearsError
        If the gear cannot be run at all.
    ServerTimeoutError
        If it takes longer than ``timeout``.
    """
    from gearframe.client import as_client

    _check(on_error, isolation, timeout)
    server = as_client(client)
    choice = choose(server, backend)
    started = time.perf_counter()
    try:
        if choice.backend == "module":
            answer = run_in_module(
                server,
                plan,
                session_id=session_id,
                isolation=isolation,
                requirements=tuple(requirements or ()),
                timeout=timeout,
            )
        else:
            answer = _run_here(server, plan, timeout, progress=progress)
    finally:
        if server is not client:
            server.close()
    seconds = time.perf_counter() - started
    result = GearsResult(answer.results, answer.errors, backend=choice.backend, seconds=seconds)
    if result.errors and on_error == "raise":
        raise GearsRunError(_told(result), result)
    return result


def explain(client: Client | str | None, plan: Plan, *, backend: str = "auto") -> str:
    """Say what will run where.

    Parameters
    ----------
    client : Client, str or None
        The server; None leaves out where it runs.
    plan, backend
        As for `run`.

    Returns
    -------
    str
        The plan, what is read of each key, and the back end with the reason.
    """
    from gearframe.client import as_client

    lines = [plan.explain()]
    if plan.reader.name == "KeysReader":
        lines.append(f"reads: {_of_each_key(plan)}")
    if client is not None:
        server = as_client(client)
        choice: Choice = choose(server, backend)
        lines.append(f"back end: {choice.backend}, because {choice.reason}")
        if server is not client:
            server.close()
    return "\n".join(lines)


def _of_each_key(plan: Plan) -> str:
    need: Need = need_of(plan) if plan.reader.options.get("readValue", True) else Need("key")
    if need == WHOLE:
        return "all of each key"
    if need.what != "value":
        return "the key's name" + (" and type" if need.what == "type" else " alone")
    fields = ", ".join(sorted(need.fields or ())) or "no field"
    return f"of hashes {fields}; of other types the value"


def _run_here(client: Client, plan: Plan, timeout: float | None, *, progress: bool) -> Answer:
    until = None if timeout is None else time.monotonic() + timeout
    limits = Limits(
        cancelled=lambda: until is not None and time.monotonic() > until, interruptible=True
    )
    with LocalRuntime(client) as runtime, _bar(client, wanted=progress) as advance:
        outcome = run_plan(plan, runtime, limits=limits, progress=advance)
    if outcome.aborted:
        raise ServerTimeoutError(
            f"the gear was not done within {timeout} seconds, after {outcome.records:,} records; "
            "give a longer timeout, or none"
        )
    return Answer(outcome.results, outcome.errors)


@contextmanager
def _bar(client: Client, *, wanted: bool) -> Iterator[Progress | None]:
    if not wanted:
        yield None
        return
    from gearframe.io.progress import ProgressBar

    bar = ProgressBar("gear", client.dbsize())
    try:
        yield bar.advance_to
    except BaseException:
        bar.stop()
        raise
    bar.finish()


def _check(on_error: object, isolation: object, timeout: object) -> None:
    if on_error not in ("raise", "keep"):
        raise OptionError(f"on_error is {on_error!r}; expected 'raise' or 'keep'")
    if isolation not in (None, "shared", "subinterpreter"):
        raise OptionError(f"isolation is {isolation!r}; expected 'shared' or 'subinterpreter'")
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is not None and not (is_number and timeout > 0):  # type: ignore[operator]
        raise OptionError(f"timeout is {timeout!r}; expected seconds above 0, or None")


def _told(result: GearsResult) -> str:
    count = len(result.errors)
    records = "a record" if count == 1 else f"{count:,} records"
    return (
        f'{records} failed, and reading stopped (on_error="keep" returns what came with the '
        f"errors). The first error:\n{result.errors[0].rstrip()}"
    )
