"""What the labels of a series cost the server: TS.INFO for each, or TS.MGET for all.

``python -m benchmarks.series_labels [series]``: for decision 0016. Needs Redis Stack 7.4.
"""

from __future__ import annotations

import sys

import redis
from tests.servers.server import Server

COMMANDS = ("TS.INFO", "TS.MGET", "TS.QUERYINDEX", "TS.RANGE")


def main(series: int) -> None:
    with Server("stack74") as server, redis.Redis.from_url(server.url, protocol=2) as client:
        fill(client, series)
        client.config_resetstat()
        each(client, series, "TS.INFO")
        client.execute_command("TS.MGET", "SELECTED_LABELS", "city", "FILTER", "kind=temp")
        client.execute_command("TS.QUERYINDEX", "kind=temp")
        each(client, series, "TS.RANGE", "-", "+", "COUNT", 256)
        stats = client.info("commandstats")
    for command in COMMANDS:
        microseconds = stats[f"cmdstat_{command.lower()}"]["usec"]
        print(f"{command:14} {microseconds / series:6.2f} us of server time a series")


def fill(client: redis.Redis, series: int) -> None:
    pipeline = client.pipeline(transaction=False)
    for n in range(series):
        labels = ("city", f"c{n % 50}", "kind", "temp", "id", str(n))
        pipeline.execute_command("TS.CREATE", f"s:{n}", "LABELS", *labels)
        pipeline.execute_command("TS.ADD", f"s:{n}", 1000, 1.5)
    pipeline.execute()


def each(client: redis.Redis, series: int, command: str, *args: object) -> None:
    pipeline = client.pipeline(transaction=False)
    for n in range(series):
        pipeline.execute_command(command, f"s:{n}", *args)
    pipeline.execute()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
