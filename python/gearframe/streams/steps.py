"""Conversations with a server, written once for blocking and for asyncio callers.

A conversation is a generator: it yields what is to be done next and is sent the outcome. What
carries it out is :func:`run` or :func:`run_async`; a conversation itself never waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

import redis

from gearframe.control import async_redis_client, redis_client, server_errors

if TYPE_CHECKING:
    from redis.asyncio import Redis as AsyncRedis

    from gearframe.client import Client

T = TypeVar("T")


class Pause(NamedTuple):
    """Do nothing for some seconds."""

    seconds: float


class Call(NamedTuple):
    """Call a function that may block, such as one of a checkpoint store."""

    function: Callable[[], Any]


Command: TypeAlias = tuple[Any, ...]
Action: TypeAlias = Command | Pause | Call
Steps: TypeAlias = Generator[Action, Any, T]

# redis-py makes dicts of these replies, in which a field that comes twice is lost, and others for
# RESP3. As they are, in RESP2, they look the same on every server.
_RAW = ("XREAD", "XREADGROUP", "XRANGE", "XAUTOCLAIM", "XPENDING")


def open_control(client: Client) -> redis.Redis:
    """Make the connection for :func:`run`."""
    control = redis_client(client, protocol=2)
    for command in _RAW:
        control.set_response_callback(command, _as_it_is)
    return control


def open_async_control(client: Client) -> AsyncRedis:
    """Make the connection for :func:`run_async`."""
    control = async_redis_client(client, protocol=2)
    for command in _RAW:
        control.set_response_callback(command, _as_it_is)
    return control


def run(steps: Steps[T], control: redis.Redis, label: str) -> T:
    """Carry out a conversation; errors of the server are thrown into it first."""
    resume: Callable[[Any], Action] = steps.send
    outcome: Any = None
    with server_errors(label):
        while True:
            try:
                action = resume(outcome)
            except StopIteration as end:
                found: T = end.value
                return found
            try:
                outcome, resume = _act(control, action), steps.send
            except redis.RedisError as error:
                outcome, resume = error, steps.throw


async def run_async(steps: Steps[T], control: AsyncRedis, label: str) -> T:
    """Do the same without blocking the loop; a cancelled task ends at once."""
    resume: Callable[[Any], Action] = steps.send
    outcome: Any = None
    task = asyncio.current_task()
    cancels = 0 if task is None else task.cancelling()
    with server_errors(label):
        while True:
            # redis-py can answer a command as if the task had not been cancelled meanwhile.
            if task is not None and task.cancelling() > cancels:
                raise asyncio.CancelledError
            try:
                action = resume(outcome)
            except StopIteration as end:
                found: T = end.value
                return found
            try:
                outcome, resume = await _act_async(control, action), steps.send
            except redis.RedisError as error:
                outcome, resume = error, steps.throw


def _act(control: redis.Redis, action: Action) -> Any:
    match action:
        case Pause(seconds):
            return time.sleep(seconds)
        case Call(function):
            return function()
        case _:
            return control.execute_command(*action)  # type: ignore[no-untyped-call]


async def _act_async(control: AsyncRedis, action: Action) -> Any:
    match action:
        case Pause(seconds):
            return await asyncio.sleep(seconds)
        case Call(function):
            return await asyncio.to_thread(function)
        case _:
            return await control.execute_command(*action)  # type: ignore[no-untyped-call]


def _as_it_is(response: Any, **_: Any) -> Any:
    return response
