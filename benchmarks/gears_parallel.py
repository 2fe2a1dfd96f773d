"""Two gears at once, against one after the other: in one interpreter, and each in its own.

With Python 3.12 and newer a session with the isolation ``subinterpreter`` has a GIL of its own, so
that two of them compute at the same time. The server runs the newest such Python of the machine.
"""

from __future__ import annotations

from functools import partial
from threading import Thread

from tests.servers import pythons

from benchmarks.gear_questions import QUESTIONS
from benchmarks.gear_server import KEYS, connected, loaded, run_gear
from benchmarks.measure import Runs, take_turns
from benchmarks.report import Answer, Result
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

SCRIPTS = {
    QUESTIONS[0].title: QUESTIONS[0].script,
    "compute on each record": "GB().map(lambda x: sum(i * i for i in range(50)))"
    f".aggregate(0, lambda a, n: a + n, lambda a, n: a + n).run('{KEYS}')",
}
ISOLATIONS = ("shared", "subinterpreter")
TOGETHER = {"subinterpreter": 1.5}
"""Times the throughput of one that two on two cores should have, where they are to compute."""


def run(other: BenchServer, settings: Settings) -> Answer:
    other.flush()
    answer = Answer(title=f"Two gears at once over {settings.rows:,} hashes")
    found = _newest()
    if isinstance(found, str):
        answer.notes.append(f"not measured: {found}")
        return answer
    options = {"Python": str(found.python)}
    answer.notes.append(f"Python in the server: {found.version}")
    with loaded(settings, options=options) as server:
        for isolation in ISOLATIONS:
            server.control.execute_command("RG.CONFIGSET", "Isolation", isolation)
            for title, script in SCRIPTS.items():
                runs = _measure(server, script, f"{title}, {isolation}", settings)
                answer.runs += runs
                answer.results.append(_result(*runs, isolation))
    return answer


def _newest() -> pythons.Environment | str:
    """Find a Python whose sub-interpreters have GILs of their own, or say why there is none."""
    minors = [minor for minor in pythons.MINORS if minor not in ("3.11",)]
    for minor in reversed(minors):
        if (python := pythons.find(minor)) is not None:
            try:
                return pythons.environment(python)
            except OSError as error:
                return f"the environment of Python {minor} cannot be made: {error}"
    return f"no Python of {', '.join(minors)} with its shared library is on this machine"


def _measure(server: BenchServer, script: str, title: str, settings: Settings) -> list[Runs]:
    ways = {
        f"{title}: {count} at once": partial(_at_once, server, script, count) for count in (1, 2)
    }
    found = take_turns(server, ways, repeat=settings.repeat, patience=settings.patience)
    return list(found.values())


def _at_once(server: BenchServer, script: str, count: int) -> None:
    """Run the script in so many sessions at the same time; all have to succeed."""
    done: list[object] = []

    def work() -> None:
        with connected(server) as client:
            done.append(run_gear(client, script))

    threads = [Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(done) < count:
        raise SystemExit(f"{count - len(done)} of {count} gears failed")


def _result(one: Runs, two: Runs, isolation: str) -> Result:
    return Result(
        question=f"throughput of {two.name}",
        ours=f"{two.seconds:.3f} s",
        reference=f"one {one.seconds:.3f} s",
        figure=2 * one.seconds / two.seconds,
        target=TOGETHER.get(isolation) if "compute" in one.name else None,
        at_most=False,
        disturbed=one.disturbed or two.disturbed,
    )
