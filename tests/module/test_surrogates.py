"""Half of a surrogate pair in a text, which the server cannot be handed: nobody waits for ever."""

from __future__ import annotations

import pytest
import redis

from tests.module.gears import connect, send
from tests.servers.fixtures import FreshServer

RUN = "GB('PythonReader').map(f).run(lambda: iter([1]))"


def test_texts_that_are_no_utf8(fresh_server: FreshServer) -> None:
    server = fresh_server("valkey91", gears={})
    with connect(server) as client:
        with pytest.raises(redis.ResponseError, match=r"ValueError: \\ud800"):
            send(client, r"raise ValueError('\ud800')")
        script = r"def f(x): flat_error('\ud800')" + "\n"
        assert send(client, script + RUN) == [[], [rb"\ud800"]]
        assert send(client, r"log('\ud800'); print('\ud800')") == b"OK"
        assert server.log().count(r"GEARS: \ud800") == 2
        script = "def f(x): return x\n" + r"f.__name__ = '\ud800'" + "\n"
        with pytest.raises(redis.ResponseError, match="what became of it cannot be told"):
            send(client, script + RUN)
        assert client.execute_command("RG.PYDUMPSESSIONS") == []
        assert client.execute_command("RG.DUMPEXECUTIONS") == []
