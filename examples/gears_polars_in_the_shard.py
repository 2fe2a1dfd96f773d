"""Run Polars inside of the server: a frame is made there, and its summary comes back."""

import random

import gearframe as gf


def gather(rows, record):
    """Collect what is needed of each order, as plain values."""
    rows = rows if rows is not None else []
    order = record["value"]
    rows.append((order["country"], float(order["amount"])))
    return rows


def summarise(rows):
    """Make one frame of them, where they are."""
    import polars as pl  # imported by the server's Python

    frame = pl.DataFrame(rows, schema=["country", "amount"], orient="row")
    amount = pl.col("amount")
    return (
        frame.group_by("country")
        .agg(amount.count().alias("orders"), amount.median().round(2).alias("median"))
        .sort("country")
    )


with gf.connect() as client:
    chance = random.Random(1)
    for number in range(500):
        country, amount = chance.choice(["DE", "FR", "NL"]), f"{chance.uniform(1, 100):.2f}"
        client.execute("HSET", f"order:{number}", "country", country, "amount", amount)

    [summary] = gf.GearsBuilder().accumulate(gather).map(summarise).run(client, "order:*")
    print(summary)
    assert summary["orders"].sum() == 500
