"""The shim can be called as polars-redis 0.1.8 could."""

from __future__ import annotations

from dataclasses import fields

import pytest

from gearframe.compat import polars_redis as shim
from tests.compat.signatures import METHODS, OF_THE_PREDECESSOR, described


@pytest.mark.parametrize("name", OF_THE_PREDECESSOR)
def test_signature(name):
    assert described(getattr(shim, name)) == OF_THE_PREDECESSOR[name]


def test_a_result_has_more_than_it_had():
    assert [each.name for each in fields(shim.DeleteResult)][:2] == ["deleted", "not_found"]


@pytest.mark.parametrize("name", METHODS)
def test_methods(name):
    lacking = [each for each in METHODS[name].split() if not hasattr(getattr(shim, name), each)]
    assert lacking == []


def test_names_are_sorted_and_there():
    assert shim.__all__ == sorted(shim.__all__)
    assert [name for name in shim.__all__ if not hasattr(shim, name)] == []
