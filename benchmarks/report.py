"""Results: plain data, printed as tables with wins and losses alike."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Runs


@dataclass(frozen=True, kw_only=True)
class Result:
    """The answer to one question: a figure, and what it should be."""

    question: str
    ours: str
    reference: str
    figure: float
    unit: str = "x"
    target: float | None = None
    at_most: bool = True
    disturbed: bool = False

    @property
    def verdict(self) -> str:
        if self.target is None:
            return "no target"
        kept = self.figure <= self.target if self.at_most else self.figure >= self.target
        return ("won" if kept else "lost") + (", but disturbed" if self.disturbed else "")

    @property
    def wanted(self) -> str:
        if self.target is None:
            return ""
        return f"{'≤' if self.at_most else '≥'} {self.target:g} {self.unit}"


@dataclass(kw_only=True)
class Answer:
    """What a benchmark found: results, and the measurements behind them."""

    title: str
    results: list[Result] = field(default_factory=list)
    runs: list[Runs] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def slower(question: str, ours: Runs, floor: Runs, target: float | None) -> Result:
    """How many times the floor's time ours takes."""
    return Result(
        question=question,
        ours=f"{ours.seconds:.3f} s",
        reference=f"{floor.name} {floor.seconds:.3f} s",
        figure=ours.seconds / floor.seconds,
        target=target,
        disturbed=ours.disturbed or floor.disturbed,
    )


def faster(question: str, ours: Runs, peer: Runs, target: float | None) -> Result:
    """How many times as fast as a peer ours is."""
    return Result(
        question=question,
        ours=f"{ours.seconds:.3f} s",
        reference=f"{peer.name} {peer.seconds:.3f} s",
        figure=peer.seconds / ours.seconds,
        target=target,
        at_most=False,
        disturbed=ours.disturbed or peer.disturbed,
    )


def other_commands(ours: Runs, floor: Runs) -> list[str]:
    """Say which commands the two did not send alike: a floor must ask for the same."""
    mine, theirs = ours.runs[-1].commands, floor.runs[-1].commands
    return [
        f"{name}: {ours.name} {mine.get(name, 0):,}, {floor.name} {theirs.get(name, 0):,}"
        for name in sorted(mine.keys() | theirs.keys())
        if mine.get(name, 0) != theirs.get(name, 0)
    ]


def print_facts(console: Console, facts: dict[str, str]) -> None:
    table = Table(show_header=False, box=None)
    for name, value in facts.items():
        table.add_row(name, value)
    console.print(table)


def print_answer(console: Console, answer: Answer) -> None:
    console.rule(answer.title)
    if answer.runs:
        console.print(_runs_table(answer.runs))
    if answer.results:
        print_results(console, answer.results)
    for note in answer.notes:
        console.print(f"  {note}", highlight=False)


def print_results(console: Console, results: list[Result]) -> None:
    table = Table()
    for name in ("question", "ours", "against", "figure", "target", "verdict"):
        table.add_column(name, overflow="fold")
    for each in results:
        colour = {"won": "green", "lost": "red"}.get(each.verdict, "default")
        figure = f"{each.figure:.2f} {each.unit}"
        verdict = f"[{colour}]{each.verdict}[/]"
        table.add_row(each.question, each.ours, each.reference, figure, each.wanted, verdict)
    console.print(table)


def write_json(path: Path, facts: dict[str, str], answers: list[Answer]) -> None:
    found: dict[str, Any] = {"machine": facts, "answers": [asdict(answer) for answer in answers]}
    for answer, written in zip(answers, found["answers"], strict=True):
        for result, row in zip(answer.results, written["results"], strict=True):
            row["verdict"] = result.verdict
    path.write_text(json.dumps(found, indent=1))


def _runs_table(runs: list[Runs]) -> Table:
    table = Table()
    for name in (
        "contestant",
        "median s",
        "server CPU s",
        "client CPU s",
        "others CPU s",
        "all runs s",
    ):
        table.add_column(name, overflow="fold")
    for each in runs:
        times = " ".join(f"{run.seconds:.3f}" for run in each.runs)
        cpu = (f"{each.server_cpu:.2f}", f"{each.client_cpu:.2f}", f"{each.others_cpu:.2f}")
        table.add_row(each.name, f"{each.seconds:.3f}", *cpu, times)
    return table
