"""Gears inside of the server: against the same loop in a client, and against a tuned client."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import redis

import gearframe as gf
from benchmarks.gear_questions import QUESTIONS, Question, pages, records
from benchmarks.gear_server import KEYS, connected, loaded, run_gear
from benchmarks.measure import Runs, take_turns
from benchmarks.report import Answer, Result, faster
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

TIMES = 4
"""Times as fast as the loop in a client."""


def run(other: BenchServer, settings: Settings) -> Answer:
    other.flush()
    answer = Answer(title=f"Gears over {settings.rows:,} hashes of 6 fields")
    with loaded(settings) as server, connected(server) as client:
        for question in QUESTIONS:
            found = _ask(server, client, question, settings)
            answer.runs += found.values()
            answer.results += _results(question, found)
        answer.runs += _local(server, settings).values()
        ours, local = answer.runs[0], answer.runs[-1]
        answer.results.append(faster("count by country, back end local", ours, local, None))
    return answer


def _ask(
    server: BenchServer, client: redis.Redis, question: Question, settings: Settings
) -> dict[str, Runs]:
    path = str(server.socket_path)
    # RESP3 and texts are the fastest that redis-py has for this: hiredis makes the dicts.
    loop = redis.Redis(unix_socket_path=path, protocol=3, decode_responses=True)
    names = [f"{question.title}: {who}" for who in ("gear", "tuned client", "loop")]
    ways: dict[str, Callable[[], Any]] = {
        names[0]: lambda: question.plain(run_gear(client, question.script)),
        names[1]: lambda: question.tuned(pages(server, question.fields)),
        names[2]: lambda: question.loop(records(loop)),
    }
    with loop:
        expected = ways[names[1]]()
        if ways[names[0]]() != expected:
            raise SystemExit(f"{question.title}: the gear and the tuned client do not agree")
        turns = partial(take_turns, server, patience=settings.patience)
        found = turns({name: ways[name] for name in names[:2]}, repeat=settings.repeat)
        return found | turns({names[2]: ways[names[2]]}, repeat=settings.peer_repeat)


def _results(question: Question, found: dict[str, Runs]) -> list[Result]:
    ours, tuned, loop = found.values()
    narrow = bool(question.fields)
    return [
        faster(
            f"{question.title}, against a loop in a client", ours, loop, TIMES if narrow else None
        ),
        faster(f"{question.title}, against a tuned client", ours, tuned, 1 if narrow else None),
    ]


def _local(server: BenchServer, settings: Settings) -> dict[str, Runs]:
    with gf.connect(server.url) as client:
        plan = gf.GearsBuilder().map(lambda x: x["value"]["country"]).countby()
        way = partial(plan.run, client, KEYS, backend="local")
        return take_turns(
            server,
            {"count by country: gear, back end local": way},
            repeat=settings.repeat,
            patience=settings.patience,
        )
