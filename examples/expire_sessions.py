"""Find sessions that are about to expire, and write a list of them back."""

from datetime import timedelta

import polars as pl

import gearframe as gf

with gf.connect() as client:
    sessions = pl.DataFrame(
        {
            "_key": ["session:a", "session:b", "session:c"],
            "user": ["Ann", "Bob", "Cem"],
            "ttl": [timedelta(minutes=2), timedelta(hours=3), None],
        }
    )
    gf.write_hashes(sessions, client, ttl="ttl")

    lf = gf.scan_hashes(client, "session:*", {"user": pl.String}, include_ttl=True)
    soon = lf.filter(pl.col("_ttl") < timedelta(minutes=5)).collect()
    print(soon.select("_key", "user"))

    warned = soon.select(pl.format("warned:{}", "user").alias("_key"), "user")
    print(gf.write_hashes(warned, client, ttl=timedelta(hours=1)))
