"""What a function looks at in the records that it is given, found by following its bytecode.

An abstract run over all paths: the interpreter's stack and the local variables hold only what
matters here (``machine``). What is not understood for certain ends the run with ``NotUnderstood``,
and the record is then read whole. Knows CPython 3.11 to 3.14; an instruction that it does not know
is one of those things.

Only functions belong here; what a plan does with records is ``narrowing``.
"""

from __future__ import annotations

import builtins
import dis
import sys
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR, CO_VARARGS, CO_VARKEYWORDS
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, NamedTuple

from gearframe.gears.machine import (
    OTHER,
    RECORD,
    Item,
    Machine,
    NotUnderstood,
    Reads,
    join,
    matters,
)
from gearframe.gears.meanings import MEANINGS
from gearframe.gears.opcodes import HARMLESS, JUMPS, NO_WAY_ON, items_taken

if TYPE_CHECKING:
    from collections.abc import Iterator


# Who has a frame in hand sees every local variable.
_FRAMES = {
    "locals", "vars", "eval", "exec", "dir", "globals", "breakpoint", "_getframe",
    "_current_frames", "currentframe", "stack", "trace", "getinnerframes", "getouterframes",
    "f_locals", "f_back", "f_code", "tb_frame", "gi_frame", "cr_frame", "ag_frame",
    "__traceback__", "settrace", "setprofile", "get_objects", "get_referrers", "monitoring",
}  # fmt: skip
_FRAME_FUNCTIONS = (locals, vars, eval, exec, dir, breakpoint, sys._getframe)
_GENERATORS = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR
_VARIADIC = CO_VARARGS | CO_VARKEYWORDS
_LONGEST = 5_000


def follow(function: object, place: int, reads: Reads) -> None:
    """Note what a function reads of a record.

    Parameters
    ----------
    function : object
        Whatever is called.
    place : int
        Which of its arguments the record is, from 0.
    reads : Reads
        What is read is noted here.

    Raises
    ------
    NotUnderstood
        If it may look at more than can be told.
    """
    if type(function) is not FunctionType:
        raise NotUnderstood
    code = function.__code__
    if code.co_flags & (_GENERATORS | _VARIADIC) or place >= code.co_argcount:
        raise NotUnderstood
    _refuse_frames(function)
    _Walk(code, reads).run(code.co_varnames[place])


def _refuse_frames(function: FunctionType) -> None:
    """Refuse a function that may ask for frames, or whose script has helpers which do."""
    waiting, seen = [function], {function}
    while waiting:
        variables = (one := waiting.pop()).__globals__
        for name in (name for code in _codes(one.__code__) for name in code.co_names):
            found = variables.get(name, getattr(builtins, name, None))
            if name in _FRAMES or any(found is one for one in _FRAME_FUNCTIONS):
                raise NotUnderstood
            if type(found) is FunctionType and found not in seen:
                seen.add(found)
                # Libraries are not followed: they do not look at the variables of who calls them.
                if found.__globals__ is variables:
                    waiting.append(found)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


class _State(NamedTuple):
    """The stack and the local variables at one place of a function."""

    stack: tuple[Item, ...]
    variables: tuple[tuple[str, Item], ...]


class _Walk(Machine):
    """One function, followed along all its paths until nothing new comes up."""

    def __init__(self, code: CodeType, reads: Reads) -> None:
        super().__init__(reads)
        self._instructions = list(dis.get_instructions(code))
        if len(self._instructions) > _LONGEST:
            raise NotUnderstood
        self._places = {one.offset: place for place, one in enumerate(self._instructions)}
        self._states: dict[int, _State] = {}
        self._waiting: list[int] = []
        # There since 3.11, and in no stub.
        self._handlers = dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]

    def run(self, record: str) -> None:
        self._arrive(0, [], {record: RECORD})
        while self._waiting:
            place = self._waiting.pop()
            state = self._states[place]
            self.stack, self.variables = list(state.stack), dict(state.variables)
            instruction = self._instructions[place]
            self._enter_handlers(instruction)
            for target in self._step(instruction, place):
                self._arrive(target, self.stack, self.variables)
            # An exception may come after a variable has been stored, as well as before.
            self._enter_handlers(instruction)

    def _arrive(self, place: int, stack: list[Item], variables: dict[str, Item]) -> None:
        if place >= len(self._instructions):
            raise NotUnderstood
        known = self._states.get(place)
        if known is not None:
            stack, variables = _joined(known, stack, variables)
        state = _State(tuple(stack), tuple(sorted(variables.items(), key=lambda item: item[0])))
        if state != known:
            self._states[place] = state
            self._waiting.append(place)

    def _enter_handlers(self, instruction: dis.Instruction) -> None:
        for entry in self._handlers:
            if entry.start <= instruction.offset < entry.end:
                if len(self.stack) < entry.depth:
                    return  # after the instruction, when it has taken from below: it went well
                pushed: list[Item] = [OTHER] * (1 + entry.lasti)
                kept = self.stack[: entry.depth]
                self._arrive(self._places[entry.target], kept + pushed, self.variables)
                return

    def _step(self, instruction: dis.Instruction, place: int) -> list[int]:
        """Do one instruction; return where it may go on."""
        name = instruction.opname
        own = MEANINGS.get(name)
        if own is not None:
            own(self, instruction)
            return [place + 1]
        is_jump = instruction.opcode in JUMPS
        before = list(self.stack)
        targets = []
        if is_jump:
            self._plain(instruction, jump=True)
            self._arrive(self._places[instruction.argval], self.stack, self.variables)
            self.stack = before
        if name not in NO_WAY_ON:
            self._plain(instruction, jump=False)
            targets.append(place + 1)
        elif not is_jump:
            self._plain(instruction, jump=False)
        return targets

    def _plain(self, instruction: dis.Instruction, *, jump: bool) -> None:
        """Do what takes from the stack and puts something new on it."""
        taken = items_taken(instruction)
        if taken is None:
            raise NotUnderstood
        effect = dis.stack_effect(instruction.opcode, instruction.arg, jump=jump)
        if taken + effect < 0 or taken > len(self.stack):
            raise NotUnderstood
        items = self.pop(taken)
        if instruction.opname not in HARMLESS and any(map(matters, items)):
            raise NotUnderstood
        self.stack += [OTHER] * (taken + effect)


def _joined(
    known: _State, stack: list[Item], variables: dict[str, Item]
) -> tuple[list[Item], dict[str, Item]]:
    """Join what two paths bring to one place."""
    if len(known.stack) != len(stack):
        raise NotUnderstood
    before = dict(known.variables)
    names = before.keys() | variables.keys()
    return (
        [join(a, b) for a, b in zip(known.stack, stack, strict=True)],
        {name: join(before.get(name, OTHER), variables.get(name, OTHER)) for name in names},
    )
