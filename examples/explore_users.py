"""Explore a keyspace that somebody else filled: types, a filter, a join, what it costs."""

import polars as pl

import gearframe as gf

with gf.connect() as client:
    users = pl.DataFrame(
        {
            "_key": [f"user:{n}" for n in range(1, 6)],
            "name": ["Ann", "Bob", "Cem", "Dee", "Eva"],
            "country": ["FR", "DE", "TR", "FR", "DE"],
            "spent": [12.5, 3.0, 40.0, 7.25, 19.0],
        }
    )
    gf.write_hashes(users, client)

    lf = gf.scan_hashes(
        client, "user:*", {"name": pl.String, "country": pl.String, "spent": pl.Float64}
    )
    countries = pl.LazyFrame({"country": ["FR", "DE"], "capital": ["Paris", "Berlin"]})
    query = (
        lf.filter(pl.col("spent") > 5)
        .join(countries, on="country")
        .group_by("capital")
        .agg(pl.col("spent").sum())
        .sort("capital")
    )
    print(gf.explain(query))
    print(query.collect())
    print(gf.reports(query)[0])
