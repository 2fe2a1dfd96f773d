"""Running the body of a script."""

from __future__ import annotations

from contextlib import nullcontext

from gearframe.exceptions import GearsForceStopped
from gearframe.gears.runtime import call_within
from gearframe.shard.worker.execution import clean_up
from gearframe.shard.worker.failures import failure_text
from gearframe.shard.worker.launch import ScriptLauncher
from gearframe.shard.worker.tasks import Task


def run_script(task: Task, source: bytes, launch: ScriptLauncher) -> str | None:
    """Run a script on this thread; gives the text of its failure, None if all went well.

    Parameters
    ----------
    task : Task
        What it is part of.
    source : bytes
        Its text.
    launch : ScriptLauncher
        Takes the plan that it makes.
    """
    runtime = task.runtime()

    def work() -> str | None:
        return call_within(runtime, launch, lambda: _execute(task, source))

    try:
        _, failure = task.guard.run(work)
    finally:
        launch.end()
        clean_up(runtime)
    return task.guard.reason or failure


def _execute(task: Task, source: bytes) -> str | None:
    """Compile and run it. Whatever it raises is the script's failure: SystemExit is no end."""
    session = task.session
    profile = session.profile if task.settings.profile else None
    try:
        # As text: scripts are sent in UTF-8, whatever a comment on their first line may say.
        text = source.decode("utf-8-sig", "replace")
        name = session.add_script(text)
        code = compile(text, name, "exec", dont_inherit=True)
        with profile.measure() if profile else nullcontext():
            exec(code, session.names)
    except GearsForceStopped:
        raise
    except BaseException as error:  # noqa: BLE001  user code raises what it wants
        return failure_text(error, with_traceback=task.settings.traceback)
    return None
