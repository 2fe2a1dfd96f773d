"""Sections 2.3 to 2.5 and 3: sessions, requirements, statistics, profiles, settings, INFO."""

from __future__ import annotations

import threading

import pytest

from tests.module.spec.speaker import Speaker, pairs, unordered
from tests.servers.fixtures import FreshServer
from tests.servers.patience import wait_until

ONE = "GB('PythonReader').run(lambda: [1])"
LOOP = "def f(x):\n    while True: pass\nGB('PythonReader').foreach(f).run(lambda: [1])"

SESSION = [
    "ID", "sessionDescription", "refCount", "linked", "dead", "requirementInstallationNeeded",
    "requirements", "registrations",
]  # fmt: skip
REQUIREMENT = [
    "GearReqVersion", "Name", "IsDownloaded", "IsInstalled", "CompiledOs", "Wheels", "Path",
    "RefCount", "IsInReqDictionary",
]  # fmt: skip


# -- sessions --------------------------------------------------------------------------------------


def test_no_sessions(both: Speaker) -> None:
    assert both.ask("RG.PYDUMPSESSIONS") == []
    assert both.ask("RG.PYDUMPSESSIONS", "VERBOSE") == []
    assert both.ask("RG.PYDUMPSESSIONS", "DEAD") == []
    assert both.ask("RG.PYDUMPSESSIONS", "TS") == []


def test_a_session(both: Speaker) -> None:
    both(ONE, "UNBLOCKING", "ID", "a", "DESCRIPTION", "what for")
    wait_until(lambda: pairs(both.ask("RG.PYDUMPSESSIONS")[0])["refCount"] == 1)
    (found,) = both.ask("RG.PYDUMPSESSIONS")
    assert found[::2] == SESSION
    assert pairs(found) == {
        "ID": "a",
        "sessionDescription": "what for",
        "refCount": 1,
        "linked": "primary",
        "dead": "false",
        "requirementInstallationNeeded": 0,
        "requirements": [],
        "registrations": [],
    }


def test_a_session_whose_script_runs(both: Speaker) -> None:
    script = "import time\nwhile not execute('EXISTS', 'go'): time.sleep(0.001)"
    other = Speaker(both.url, both.protocol)
    with other.client:
        thread = threading.Thread(target=lambda: other(script, "ID", "a"))
        thread.start()
        (found,) = wait_until(lambda: both.ask("RG.PYDUMPSESSIONS"))
        both.ask("SET", "go", "1")
        thread.join(60)
    assert pairs(found)["linked"] == "temprary"
    assert both.ask("RG.PYDUMPSESSIONS") == []


def test_a_dead_session(both: Speaker) -> None:
    both(LOOP, "UNBLOCKING", "ID", "a", "DESCRIPTION", "old")
    both(ONE, "UNBLOCKING", "ID", "a", "UPGRADE", "DESCRIPTION", "new")
    (alive,) = both.ask("RG.PYDUMPSESSIONS")
    (dead,) = both.ask("RG.PYDUMPSESSIONS", "DEAD")
    assert (pairs(alive)["sessionDescription"], pairs(alive)["dead"]) == ("new", "false")
    assert (pairs(dead)["sessionDescription"], pairs(dead)["dead"]) == ("old", "true")
    assert pairs(dead)["linked"] == "None"
    assert both.ask("RG.PYDUMPSESSIONS", "TS") == [dead]


def test_sessions_by_name(both: Speaker) -> None:
    for name in ("a", "b", "c"):
        both(ONE, "UNBLOCKING", "ID", name)
    named = both.ask("RG.PYDUMPSESSIONS", "VERBOSE", "SESSIONS", "c", "a")
    assert [pairs(each)["ID"] for each in named] == ["c", "a"]
    assert "does not exist" in both.refusal("RG.PYDUMPSESSIONS", "SESSIONS", "z")
    assert "Unknown arguments" in both.refusal("RG.PYDUMPSESSIONS", "NOSUCH")


def test_a_session_with_requirements(both: Speaker) -> None:
    both(ONE, "UNBLOCKING", "ID", "a", "REQUIREMENTS", "cloudpickle>=2")
    (found,) = both.ask("RG.PYDUMPSESSIONS")
    assert pairs(found)["requirements"] == ["cloudpickle>=2"]
    (found,) = both.ask("RG.PYDUMPSESSIONS", "VERBOSE")
    assert [each[::2] for each in pairs(found)["requirements"]] == [REQUIREMENT]
    listed = both.ask("RG.PYDUMPREQS")
    assert {tuple(each[::2]) for each in listed} == {tuple(REQUIREMENT)}
    # A requirement is listed once for each list of requirements that it was asked for in.
    requirement, *_ = [each for each in map(pairs, listed) if each["Name"] == "cloudpickle>=2"]
    assert (requirement["IsDownloaded"], requirement["IsInstalled"]) == ("yes", "yes")


def test_requirements_that_are_not_there(both: Speaker) -> None:
    assert "does not exist" in both.refusal("RG.PYEXPORTREQ", "absent")
    assert both.refusal("RG.PYIMPORTREQ", "junk")


# -- statistics and profiles -----------------------------------------------------------------------


def test_statistics(both: Speaker) -> None:
    found = both.ask("RG.PYSTATS")
    assert found[::2] == ["TotalAllocated", "PeakAllocated", "CurrAllocated"]
    total, peak, current = found[1::2]
    assert total >= peak >= current > 0
    both("x = 'x' * 1_000_000")
    assert pairs(both.ask("RG.PYSTATS"))["TotalAllocated"] >= total + 1_000_000


PROFILED = """
def slow(x):
    return sum(range(20000))
def often(x):
    return [abs(y) for y in range(300)]
GB('PythonReader').map(slow).map(often).run(lambda: iter(range(3)))
"""


def test_a_profile(both: Speaker) -> None:
    with both.setting("ProfileExecutions", "1"):
        name = both(PROFILED, "UNBLOCKING", "ID", "p")
        both.ask("RG.GETRESULTSBLOCKING", name)
        text = both.ask("RG.PYPROFILE", "STATS", "p")
        assert "Ordered by: internal time" in text
        assert "(slow)" in text
        calls = both.ask("RG.PYPROFILE", "STATS", "p", "ncalls")
        assert "Ordered by: call count" in calls
        assert calls.index("abs") < calls.index("(slow)")
        assert "Ordered by: cumulative time" in both.ask("RG.PYPROFILE", "stats", "p", "cumulative")
        assert "unknown order 'no'" in both.refusal("RG.PYPROFILE", "STATS", "p", "no")
        assert both.ask("RG.PYPROFILE", "RESET", "p") == "OK"
        assert "nothing was measured" in both.ask("RG.PYPROFILE", "STATS", "p")


def test_a_profile_that_is_not_there(both: Speaker) -> None:
    both(ONE, "UNBLOCKING", "ID", "p")
    assert "ProfileExecutions" in both.refusal("RG.PYPROFILE", "STATS", "p")
    assert "does not exist" in both.refusal("RG.PYPROFILE", "STATS", "z")
    assert "does not exist" in both.refusal("RG.PYPROFILE", "RESET", "z")
    assert "expected RG.PYPROFILE STATS" in both.refusal("RG.PYPROFILE", "NOSUCH", "p")
    assert "wrong number of arguments" in both.refusal("RG.PYPROFILE")


# -- settings --------------------------------------------------------------------------------------

DEFAULTS = {
    "MaxExecutions": "1000",
    "MaxExecutionsPerRegistration": "100",
    "ProfileExecutions": "0",
    "ExecutionThreads": "3",
    "ExecutionMaxIdleTime": "5000",
    "SendMsgRetries": "3",
    "CreateVenv": "0",
    "DownloadDeps": "0",
    "PythonAttemptTraceback": "1",
    "OverridePythonAllocators": "1",
    "PythonInstallReqMaxIdleTime": "30000",
    "Isolation": "shared",
    "ExecutionEnabled": "1",
    "ExecutionTimeLimit": "0",
    "MaxResultBytes": "536870912",
    "AtomicTimeLimit": "5000",
}
FIXED = ["ExecutionThreads", "CreateVenv", "DownloadDeps", "OverridePythonAllocators", "Python"]


def test_defaults(both: Speaker) -> None:
    assert both.ask("RG.CONFIGGET", *DEFAULTS) == list(DEFAULTS.values())


def test_names_are_exact_to_read(both: Speaker) -> None:
    known, unknown = both.ask("RG.CONFIGGET", "MaxExecutions", "maxexecutions")
    assert known == "1000"
    assert unknown == "(error) Unsupported config parameter: maxexecutions"


def test_names_are_free_to_write(both: Speaker) -> None:
    try:
        assert both.ask("RG.CONFIGSET", "MAXEXECUTIONS", "7", "profileexecutions", "0") == [
            "OK",
            "OK",
        ]
        assert both.ask("RG.CONFIGGET", "MaxExecutions") == ["7"]
    finally:
        both.ask("RG.CONFIGSET", "MaxExecutions", "1000")


def test_what_nobody_knows_is_kept(both: Speaker) -> None:
    text = "OK - value was saved in extra config dictionary"
    assert both.ask("RG.CONFIGSET", "Mine", "x", "MaxExecutions", "1000") == [text, "OK"]
    assert both.ask("RG.CONFIGGET", "Mine") == ["x"]
    assert both.body("value = configGet('Mine')") == "x"


@pytest.mark.parametrize("name", FIXED)
def test_what_is_fixed(both: Speaker, name: str) -> None:
    before = both.ask("RG.CONFIGGET", name)
    ((text),) = both.ask("RG.CONFIGSET", name, "2")
    assert text.startswith("(error) ")
    assert both.ask("RG.CONFIGGET", name) == before


def test_values_that_do_not_fit(both: Speaker) -> None:
    replies = both.ask("RG.CONFIGSET", "MaxExecutions", "many", "MaxExecutions", "-1")
    assert all(each.startswith("(error) ") for each in replies)
    assert both.ask("RG.CONFIGGET", "MaxExecutions") == ["1000"]


def test_arguments_of_settings(both: Speaker) -> None:
    assert "wrong number of arguments" in both.refusal("RG.CONFIGGET")
    assert "wrong number of arguments" in both.refusal("RG.CONFIGSET", "MaxExecutions")
    assert "wrong number of arguments" in both.refusal("RG.CONFIGSET", "a", "b", "c")


def test_settings_of_the_server(gears: Speaker) -> None:
    found = gears.client.config_get("rg.*")
    assert {f"rg.{name.lower()}": value for name, value in DEFAULTS.items()}.items() <= (
        found.items()
    )
    gears.ask("CONFIG", "SET", "rg.maxexecutions", "5")
    assert gears.ask("RG.CONFIGGET", "MaxExecutions") == ["5"]
    gears.ask("RG.CONFIGSET", "MaxExecutions", "1000")
    assert gears.client.config_get("rg.maxexecutions") == {"rg.maxexecutions": "1000"}
    assert gears.refusal("CONFIG", "SET", "rg.executionthreads", "5")


@pytest.mark.parametrize("name", ["valkey91", "redis82", "stack74"])
def test_arguments_of_the_module(fresh_server: FreshServer, name: str) -> None:
    own = {"MaxExecutions": 7, "executionthreads": 2, "MyOwn": "kept"}
    gears = Speaker(fresh_server(name, gears=own).url)
    with gears.client:
        known = gears.ask("RG.CONFIGGET", "MaxExecutions", "ExecutionThreads", "MyOwn")
        assert known == ["7", "2", "kept"]
        assert gears.body("value = (configGet('MyOwn'), gearsConfigGet('Not', 'd'))") == (
            "kept",
            "d",
        )


def test_settings_can_be_read_in_multi(both: Speaker) -> None:
    with both.client.pipeline(transaction=True) as pipe:
        pipe.execute_command("RG.CONFIGGET", "MaxExecutions")
        assert pipe.execute() == [["1000"]]


# -- registrations and the cluster, of which there are none ----------------------------------------


def test_no_registrations(both: Speaker) -> None:
    assert both.ask("RG.DUMPREGISTRATIONS") == []
    assert both.refusal("RG.UNREGISTER", "x") == "execution is not registered"
    assert both.refusal("RG.PAUSEREGISTRATIONS", "x") == "execution is not registered"
    assert both.refusal("RG.UNPAUSEREGISTRATIONS", "x") == "execution is not registered"
    assert both.ask("RG.CLEARREGISTRATIONSSTATS") == "OK"
    assert both.refusal("RG.TRIGGER", "x", "y") == "subcommand not found"
    assert both.refusal("RG.TRIGGERONKEY", "x", "k") == "subcommand not found"


def test_no_cluster(both: Speaker) -> None:
    assert both.ask("RG.INFOCLUSTER") == "no cluster mode"
    assert both.ask("RG.REFRESHCLUSTER") == "OK"
    ((name, version),) = both.ask("RG.DUMPPLUGINS")
    assert name
    assert version


# -- INFO ------------------------------------------------------------------------------------------


def test_info(gears: Speaker) -> None:
    name = gears(ONE, "UNBLOCKING", "ID", "a", "REQUIREMENTS", "cloudpickle")
    gears.ask("RG.GETRESULTSBLOCKING", name)
    found = gears.client.info("everything")
    assert found["rg_nexecutions"] == 1
    assert found["rg_nregistrations"] == 0
    assert found["rg_TotalAllocated"] > 0
    assert found["rg_PeakAllocated"] >= found["rg_CurrAllocated"] > 0
    assert found["rg_nsessions"] == 1
    assert found["rg_nrequirements"] > 0
    assert gears.client.info("rg")["rg_nexecutions"] == 1
    text = gears.ask("INFO", "everything")
    sections = ["gears", "python_stats", "python_requirements", "python_sessions"]
    assert [line[5:] for line in text.split("\r\n") if line.startswith("# rg_")] == unordered(
        sections
    )
    assert text.count("rg_TotalAllocated:") == 1


def test_the_module(gears: Speaker) -> None:
    modules = [pairs([str(x) for x in each]) if isinstance(each, list) else each
               for each in gears.ask("MODULE", "LIST")]  # fmt: skip
    assert "rg" in [each["name"] for each in modules]
