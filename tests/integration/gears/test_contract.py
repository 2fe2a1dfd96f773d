"""The contract of gears on each back end."""

from __future__ import annotations

import pytest

from tests.integration.gears.contract import Contract, Place


class TestLocal(Contract):
    @pytest.fixture
    def place(self, url: str) -> Place:
        return Place(url, "local")


class TestModule(Contract):
    @pytest.fixture
    def place(self, module_url: str) -> Place:
        return Place(module_url, "module")
