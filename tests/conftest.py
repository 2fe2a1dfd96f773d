"""The fixtures and hooks of all tests, by name."""

import tests.randomness  # noqa: F401
from tests.servers.fixtures import (  # noqa: F401
    fresh_server,
    json_client,
    json_server,
    json_url,
    module_client,
    module_server,
    module_url,
    pytest_configure,
    pytest_generate_tests,
    pytest_runtest_call,
    pytest_runtest_makereport,
    redis70,
    redis_client,
    server,
    server_pool,
    stack74,
    timeseries_server,
    timeseries_url,
    url,
    valkey80,
)
from tests.servers.guarded import guarded  # noqa: F401
from tests.servers.pythons import environments, pytest_report_header  # noqa: F401

pytest_plugins = ["pytester"]
