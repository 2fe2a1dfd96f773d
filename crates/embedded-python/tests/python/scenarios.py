"""What the tests run inside the embedded Python. Each function reports one value, or raises."""

import gc
import os
import sys
import threading
import time

import _gearframe_host as host


def echo(value):
    host.report(value)


def types(values):
    host.report([type(value).__name__ for value in values])


def printed(values):
    host.report(ascii(values))


def paths():
    host.report([sys.path[0], sys.executable, sys.prefix])


def docs():
    host.report(
        [
            host.__name__,
            host.__doc__,
            host.echo.__name__,
            host.echo.__doc__,
            host.interrupt.__name__,
        ]
    )


def shapes():
    class Text(str):
        pass

    given = [
        memoryview(b"abc")[::2],
        bytearray(b"x"),
        frozenset([1]),
        Text("t"),
        True,
        2**63,
        -(2**63),
        -1,
        -1.0,
    ]
    host.report(host.echo(*given))


def refused(_=None):
    deep = []
    for _ in range(1100):
        deep = [deep]
    circle = {}
    circle["self"] = circle
    errors = []
    for bad in (object(), "a\ud800b", deep, circle, [1, {2: {3j}}], 10**5000, range(3), int):
        try:
            host.echo(bad)
        except Exception as error:  # noqa: BLE001 (which exception is what is tested)
            errors.append([type(error).__name__, str(error)])
    host.report(errors)


def taken():
    """What the test laid down, or the exception it became."""
    try:
        host.report(ascii(host.take()))
    except Exception as error:  # noqa: BLE001 (which exception is what is tested)
        host.report([type(error).__name__, str(error)])


def records():
    """Exactness that a printed form does not show."""
    batch = host.take()
    assert all(type(record) is dict for record in batch)
    values = [record["value"] for record in batch]
    assert all(type(value) is dict for value in values)
    assert len({id(value) for value in values}) == len(values), "hashes are shared"
    values[0].clear()
    assert gc.isenabled()
    host.report(ascii(batch))


def exceptions():
    errors = []
    for function in (host.fail, host.break_, host.panic, host.interrupt):
        try:
            function()
        except Exception as error:  # noqa: BLE001 (which exception is what is tested)
            errors.append([type(error).__name__, str(error)])
    host.report(errors)


def raises(text):
    raise LookupError(text)


def meets(parties):
    host.report(host.meet(parties))


def calls(rounds):
    for i in range(rounds):
        sent = [i, str(i), {"a": [i, None, b"x" * (i % 50)]}, (1.5, {i})]
        assert host.echo(*sent) == sent
        if i % 100 == 0:
            try:
                host.fail()
            except ValueError as error:
                assert str(error) == "a bad value ü"
    host.report(rounds)


class Stop(BaseException):
    pass


def interrupts():
    begun, ended = threading.Event(), []

    def loop():
        try:
            begun.set()
            while True:
                pass
        except Stop:
            ended.append(True)

    thread = threading.Thread(target=loop)
    thread.start()
    begun.wait()
    found = host.interrupt(thread.ident, Stop)
    thread.join()
    gone = host.interrupt(thread.ident, Stop)
    errors = []
    for bad in ((thread.ident, Stop()), (thread.ident, int), ("x", Stop), (-1, Stop), (1,)):
        try:
            host.interrupt(*bad)
        except Exception as error:  # noqa: BLE001 (which exception is what is tested)
            errors.append(type(error).__name__)
    host.report([found, ended, gone, errors])


def interrupted_before_it_runs():
    """What was not raised yet can be taken back."""
    # Nobody has to give the lock of the interpreter away before it waits for the other lock.
    sys.setswitchinterval(3600)
    me = threading.get_ident()
    lock = threading.Lock()
    lock.acquire()
    seen = []

    def wait():
        try:
            seen.append(threading.get_ident())
            lock.acquire()
            seen.append("through")
        except Stop:
            seen.append("stopped")

    thread = threading.Thread(target=wait)
    thread.start()
    while not seen:
        time.sleep(0)
    assert seen[0] != me
    found = [host.interrupt(seen[0], Stop), host.interrupt(seen[0], None)]
    lock.release()
    thread.join()
    assert seen[1:] == ["through"], seen
    host.report(found)


def memory_grows():
    gc.collect()
    before = host.memory()
    held = [bytes(1000) for _ in range(50_000)], [float(i) for i in range(500_000)]
    during = host.memory()
    del held
    gc.collect()
    host.report([before, during, host.memory()])


def spins_in_turns(path, me):
    """Two of these wait for each other in pure Python and never give their lock away."""
    import mmap

    sys.setswitchinterval(3600)
    limit = time.monotonic() + 600
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 2) as shared:
        for turn in range(1, 21):
            shared[me] = turn
            while shared[1 - me] < turn:
                assert time.monotonic() < limit, "the other interpreter does not run"
    host.report("both ran")


def imports():
    host.report([id(sys.modules), "scenarios" in sys.modules, sys.path[0]])


def starts_threads():
    """Threads that outlive the function: the interpreter's end waits for them."""

    def late():
        time.sleep(0.05)
        host.report("late")

    threading.Thread(target=late).start()


def pool():
    from concurrent.futures import ThreadPoolExecutor

    executor = ThreadPoolExecutor(2)
    host.report(list(executor.map(lambda i: i + 1, range(4))))


def leaves_a_thread():
    import _thread

    _thread.start_new_thread(host.meet, (2,))
    host.report("left")


def exits():
    sys.exit(3)


def pid():
    host.report(os.getpid())
