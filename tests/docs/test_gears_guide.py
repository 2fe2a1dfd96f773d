"""What the guide to gears says of settings and of INFO is what a server says."""

from __future__ import annotations

import re

import redis

from tests.docs.test_markdown import ROOT

GUIDE = (ROOT / "docs" / "guide" / "gears.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| ([^|]*?)(?: ms| bytes)? \| (?:load|live) \|", re.MULTILINE)


def test_each_setting_with_its_default(module_client: redis.Redis) -> None:
    told = dict(ROW.findall(GUIDE))
    names = {name.lower() for name in told}
    paragraph = next(part for part in GUIDE.split("\n\n") if "for old configurations" in part)
    names |= {name.lower() for name in re.findall(r"`(\w+)`", paragraph)}
    found = {
        name.removeprefix("rg."): value for name, value in module_client.config_get("rg.*").items()
    }
    assert found.keys() <= names
    numbers = {name: value for name, value in told.items() if value.isdigit()}
    assert len(numbers) > 8
    assert {name: found[name.lower()] for name in numbers} == numbers


def test_each_field_of_info(module_client: redis.Redis) -> None:
    module_client.execute_command("RG.PYEXECUTE", "x = 1")
    found = {name for name in module_client.info("everything") if name.startswith("rg_")}
    told = set(re.findall(r"`(rg_\w+)`", GUIDE))
    assert found
    assert found <= told
