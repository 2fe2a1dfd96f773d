"""Who may run Python in a server: ACL rules by category, and the rights that a gear has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

COUNT = "GB().map(lambda record: record['value']).count().run('*')"


@pytest.fixture
def user(module_client: redis.Redis, module_url: str) -> Iterator[redis.Redis]:
    """A client of the user ``bob``, whose rules the tests write."""
    module_client.execute_command("ACL", "SETUSER", "bob", "reset", "on", ">secret", "~*", "+@all")
    with redis.Redis.from_url(module_url, username="bob", password="secret") as client:
        yield client
    module_client.execute_command("ACL", "DELUSER", "bob")


@pytest.mark.parametrize("rule", ["-@admin", "-@dangerous", "-rg.pyexecute"])
def test_rules_keep_python_from_a_user(
    module_client: redis.Redis, user: redis.Redis, rule: str
) -> None:
    assert user.execute_command("RG.PYEXECUTE", "x = 1") == b"OK"
    module_client.execute_command("ACL", "SETUSER", "bob", rule)
    with pytest.raises(redis.exceptions.NoPermissionError, match="permissions"):
        user.execute_command("RG.PYEXECUTE", "x = 1")


def test_all_commands_are_admin_and_dangerous(module_client: redis.Redis) -> None:
    commands = [
        name.upper()
        for name in module_client.command()
        if isinstance(name, str) and name.upper().startswith("RG.")
    ]
    assert len(commands) > 20
    module_client.execute_command("ACL", "SETUSER", "eve", "reset", "+@all", "-@dangerous")
    for name in commands:
        refused = module_client.execute_command("ACL", "DRYRUN", "eve", name, "x")
        assert b"has no permissions" in refused, name
    module_client.execute_command("ACL", "DELUSER", "eve")


def test_a_gear_has_the_rights_of_its_client(module_client: redis.Redis, user: redis.Redis) -> None:
    module_client.mset({"mine:1": "a", "theirs:1": "b"})
    module_client.execute_command("ACL", "SETUSER", "bob", "resetkeys", "~mine:*")
    mine = COUNT.replace("'*'", "'mine:*'")
    assert user.execute_command("RG.PYEXECUTE", mine) == [[b"1"], []]
    refused = b'NOPERM the user "bob" may not read the key "theirs:1"'
    assert user.execute_command("RG.PYEXECUTE", COUNT) == [[], [refused]]
    with pytest.raises(redis.ResponseError, match=r"(?i)permission"):
        user.execute_command("RG.PYEXECUTE", "execute('GET', 'theirs:1')")
