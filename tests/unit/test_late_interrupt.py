"""Ctrl-C in the midst of work that cannot bear it, and handlers that are put back whole."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from gearframe.interrupts import LateInterrupt, SystemHandler


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    system = SystemHandler(signal.SIGINT)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
    system.put_back()


def test_it_comes_when_the_block_is_over() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), LateInterrupt():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        done.append(sum(range(1000)))
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_of_the_block_is_its_context() -> None:
    with pytest.raises(KeyboardInterrupt) as raised, LateInterrupt():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        raise ZeroDivisionError
    assert isinstance(raised.value.__context__, ZeroDivisionError)


def test_the_programs_own_handler_is_called() -> None:
    seen: list[int] = []

    def own(number: int, _: FrameType | None) -> None:
        seen.append(number)

    signal.signal(signal.SIGINT, own)
    with LateInterrupt():
        signal.raise_signal(signal.SIGINT)
        assert seen == []
    assert seen == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is own


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL])
def test_what_raises_nothing_stays_as_it_is(handler: signal.Handlers) -> None:
    signal.signal(signal.SIGINT, handler)
    with LateInterrupt():
        assert signal.getsignal(signal.SIGINT) is handler
    assert signal.getsignal(signal.SIGINT) is handler


def test_on_other_threads_it_does_nothing() -> None:
    seen: list[object] = []

    def work() -> None:
        with LateInterrupt():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


@pytest.fixture
def _ignored_below() -> Iterator[None]:
    """SIGUSR1 is ignored by the system, and Python does not know."""
    libc = ctypes.CDLL(None)
    libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
    libc.signal(signal.SIGUSR1, int(signal.SIG_IGN))
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    yield
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)


@pytest.mark.usefixtures("_ignored_below")
def test_what_is_below_pythons_handler_is_put_back() -> None:
    seen: list[int] = []
    kept = SystemHandler(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, lambda number, _: seen.append(number))
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    kept.put_back()
    os.kill(os.getpid(), signal.SIGUSR1)  # which would be the end
    assert seen == [signal.SIGUSR1]


def test_a_signal_that_there_is_not() -> None:
    with pytest.raises(OSError, match="sigaction of signal 9999: Invalid argument"):
        SystemHandler(9999)
