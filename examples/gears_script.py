"""Send a script of RedisGears over redis-py: a coroutine, commands, and results for later."""

import redis

import gearframe as gf

SCRIPT = """
import asyncio

async def score(record):
    await asyncio.sleep(0.001)  # a request to another service, say
    return [record['key'], int(record['value']['visits']) * 10]

def store(pair):
    execute('ZADD', 'scores', pair[1], pair[0])

GB('KeysReader').map(score).foreach(store).count().run('user:*', convertToStr=False)
"""

# Without a time-out: redis-py would send a script again that takes longer than five seconds.
SETTINGS = {"decode_responses": True, "socket_timeout": None}

with gf.connect() as client, redis.Redis.from_url(client.url, **SETTINGS) as server:
    for number in range(5):
        server.hset(f"user:{number}", mapping={"visits": number})

    results, errors = server.execute_command("RG.PYEXECUTE", SCRIPT)
    assert (results, errors) == ([5], [])

    execution = server.execute_command("RG.PYEXECUTE", SCRIPT, "UNBLOCKING", "ID", "scores")
    print(execution)
    assert server.execute_command("RG.GETRESULTSBLOCKING", execution) == [[5], []]
    print(server.zrevrange("scores", 0, 1, withscores=True))
    assert server.zscore("scores", "user:4") == 40
