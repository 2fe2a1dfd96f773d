"""``python -m benchmarks [names] [--rows N] …``: run, print, and perhaps keep as JSON."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from rich.console import Console

from benchmarks import machine, report
from benchmarks.servers import BenchServer
from benchmarks.settings import Settings

NAMES = (
    "read_hashes",
    "read_strings",
    "read_sets",
    "read_lists",
    "read_zsets",
    "read_streams",
    "read_json",
    "long_list",
    "latency",
    "interrupt",
    "write_hashes",
    "write_collections",
    "infer",
    "memory",
    "foreground",
    "gears",
    "gears_cost",
    "gears_parallel",
    "gears_foreground",
    "gears_memory",
)


def main() -> None:
    parser = _parser()
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark is called {sorted(unknown)[0]!r}; known: {', '.join(NAMES)}")
    settings = Settings(
        rows=arguments.rows,
        repeat=arguments.repeat,
        peer_repeat=arguments.peer_repeat,
        patience=arguments.patience,
        seed=arguments.seed,
        server=arguments.server,
    )
    console = Console()
    if not console.is_terminal:
        console = Console(width=140)
    answers: list[report.Answer] = []
    with BenchServer(settings.server) as server:
        facts = machine.describe(server.version(), settings.seed, settings.repeat)
        report.print_facts(console, facts)
        for name in arguments.names or NAMES:
            answer = importlib.import_module(f"benchmarks.{name}").run(server, settings)
            report.print_answer(console, answer)
            answers.append(answer)
    console.rule("All questions")
    report.print_results(console, [result for each in answers for result in each.results])
    if arguments.json is not None:
        report.write_json(arguments.json, facts, answers)


def _parser() -> argparse.ArgumentParser:
    default = Settings()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--rows", type=int, default=default.rows)
    parser.add_argument("--server", default=default.server, help="a server of tests/servers")
    parser.add_argument("--repeat", type=int, default=default.repeat)
    parser.add_argument("--peer-repeat", type=int, default=default.peer_repeat, help="of redis-py")
    parser.add_argument(
        "--patience",
        type=float,
        default=default.patience,
        help="seconds that a run may wait for a quiet machine, and be repeated when disturbed",
    )
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--json", type=Path, help="also write everything there")
    return parser


if __name__ == "__main__":
    main()
