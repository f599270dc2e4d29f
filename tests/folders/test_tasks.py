"""Long work in slices."""

import pytest

from s3store.folders import tasks
from tests.folders.trees import fill, keys_in

STEPS = []


def one_step(operation):
    """Do a slice of an operation, and return whether it has ended."""
    STEPS.append(operation)
    return len(STEPS) == 3


def test_work_is_done_in_slices(folder):
    """Each continues where the one before has stopped, until there is a report."""
    paths = [f"docs/{number:02}" for number in range(10)]
    fill(folder, *paths)
    slices, since, report = 0, None, None
    while report is None:
        clock = iter(range(1000))
        progress = tasks.run_for(folder.moving("docs", "to", since=since), 3, clock=lambda clock=clock: next(clock))
        since, report, slices = progress.started, progress.report, slices + 1
    assert slices > 1
    assert report.failures == ()
    assert [key for key in keys_in(folder) if not key.endswith("/")] == [f"to/{path}" for path in paths]


def test_work_that_ends_in_time_has_its_report(local):
    """In one slice."""
    fill(local, "docs/a")
    assert tasks.run_for(local.moving("docs", "to"), 60).report.done == 1
    assert tasks.run_for(iter([]), 60).report is None


def test_an_operation_is_continued_by_its_id():
    """The queue keeps the path of a function and the id, and nothing else."""
    STEPS.clear()
    run = getattr(tasks.continue_operation, "func", tasks.continue_operation)
    assert run("tests.folders.test_tasks.one_step", "id") is True
    assert STEPS == ["id"] * 3
    with pytest.raises(ImportError):
        run("tests.folders.test_tasks.nothing", "id")
