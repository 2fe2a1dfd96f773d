"""What a record of a gear costs, split: the walk, building the record, the user's code, the stages.

All is measured in the server by a script. The walk tells itself how long its thread held the
server's lock, and how long it took without its waits for Python. The rest is CPU time of the
thread that runs the gear, in three ways: taking the records and dropping them (building); that and
the user's function over each (user code is the difference); and the whole plan (what is left are
the stages). Walk and Python run side by side, so the parts add up to more than the wall time.
"""

from __future__ import annotations

from statistics import median

import redis

from benchmarks.gear_server import KEYS, connected, loaded, run_gear
from benchmarks.report import Answer, Result
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

_SCRIPT = """
import time
from gearframe.gears.narrowing import WHOLE, need_of
from gearframe.gears.run import run_plan
from gearframe.gears.runtime import current

function = lambda x: x['value']['country']
plan = GB().map(function).countby().plan('{keys}')
need = {need}

def spent(work):
    wall, cpu = time.perf_counter(), time.thread_time()
    work()
    return time.perf_counter() - wall, time.thread_time() - cpu

def taken():
    for batch in current().records(plan.reader, need):
        pass

def called():
    for batch in current().records(plan.reader, need):
        list(map(function, batch))

def whole():
    runtime = current()
    records = runtime.records
    runtime.records = lambda reader, _: records(reader, need)
    try:
        run_plan(plan, runtime)
    finally:
        del runtime.records

def split():
    _, building = spent(taken)
    _, calling = spent(called)
    before = dict(current().cost)
    wall, everything = spent(whole)
    cost = {{name: current().cost[name] - before[name] for name in ('keys', 'lock_us', 'walk_us')}}
    us = {{
        'wall time': wall * 1e6,
        'walk, server locked': cost['lock_us'],
        'walk, server not locked': cost['walk_us'] - cost['lock_us'],
        'building records': building * 1e6,
        "the user's function": (calling - building) * 1e6,
        'stages': (everything - calling) * 1e6,
    }}
    yield {{name: spent / cost['keys'] for name, spent in us.items()}}

GB('PythonReader').run(split)
"""

_NEEDS = {"count by country": "need_of(plan)", "the same, records built whole": "WHOLE"}


def run(other: BenchServer, settings: Settings) -> Answer:
    other.flush()
    answer = Answer(title=f"What each of {settings.rows:,} records costs in a gear")
    with loaded(settings) as server, connected(server) as client:
        for title, need in _NEEDS.items():
            answer.results += _split(client, title, need, settings.repeat)
        longest = server.control.info("everything").get("rg_longest_lock_hold_us")
    answer.notes.append(f"the longest hold of the server's lock took {longest} us")
    return answer


def _split(client: redis.Redis, title: str, need: str, repeat: int) -> list[Result]:
    script = _SCRIPT.format(keys=KEYS, need=need)
    rounds = [run_gear(client, script)[0] for _ in range(repeat)]
    found = {name: median(each[name] for each in rounds) for name in rounds[0]}
    return [
        Result(
            question=f"{title}: {name}",
            ours=" ".join(f"{each[name]:.3f}" for each in rounds),
            reference="",
            figure=us,
            unit="us a record",
        )
        for name, us in found.items()
    ]
