"""Sessions that are profiled run beside executions that were told to end and cannot."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import redis

from tests.module.gears import begin, connect, send, status
from tests.servers.patience import wait_until
from tests.servers.server import Server

# From where it has begun to the end of its waiting the step is in C: nothing ends it there.
WAITS_IN_C = """
import builtins, operator, threading
builtins.begun, builtins.held = threading.Lock(), threading.Lock()
begun.acquire(); held.acquire()
def step(x):
    list(map(operator.call, [begun.release, held.acquire]))
GB('ShardsIDReader').foreach(step).run()
"""

CALLS = """
def one(x):
    return 1
def step(x):
    return sum(one(i) for i in range(100))
GB('PythonReader').map(step).count().run(lambda: iter(range(100)))
"""


def test_a_profiled_session_does_not_wait_for_one_that_is_told_to_end(
    module_server: Server, module_client: redis.Redis
) -> None:
    """Python 3.11 does not get past the start of a profiled function while an exception waits."""
    client = module_client
    with connect(module_server) as other, ThreadPoolExecutor() as pool:
        execution = begin(other, WAITS_IN_C)
        send(client, "begun.acquire()")
        try:
            # Answered when the step is back from C, or after ten seconds by an error.
            pool.submit(other.execute_command, "RG.ABORTEXECUTION", execution)
            wait_until(lambda: status(client, execution) == "pending_termination")
            client.config_set("rg.profileexecutions", 1)
            with connect(module_server) as profiled:
                answers = [send(profiled, CALLS) for _ in range(3)]
            assert answers == [[[b"100"], []]] * 3
        finally:
            client.config_set("rg.profileexecutions", 0)
            send(client, "held.release()")
        wait_until(lambda: status(client, execution) == "aborted")
