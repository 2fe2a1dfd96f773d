"""Count words inside of the server: flatmap, countby, and the most frequent ones as a frame."""

import gearframe as gf

TEXTS = {
    "article:1": "the server runs the function where the data lives",
    "article:2": "the answer travels and the data stays",
}

with gf.connect() as client:
    for key, text in TEXTS.items():
        client.execute("HSET", key, "title", key, "text", text)

    gear = (
        gf.GearsBuilder(desc="words of all articles")
        .flatmap(lambda record: record["value"]["text"].split())
        .countby()
        .filter(lambda row: row["value"] > 1)
    )
    print(gear.explain(client, "article:*"))  # of each hash, only the field "text" is read
    words = gear.run(client, "article:*").to_frame().sort("value", "key", descending=True)
    print(words)
    assert words.rows() == [("the", 5), ("data", 2)]
