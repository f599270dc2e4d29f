"""Operations in the background, where Django has tasks (6.0) and the project a worker. Otherwise the page drives them.

The state of an operation is in its row, never in the task: the immediate backend of Django keeps no result.
"""

from uuid import UUID

from files.models import Operation
from files.operations import run

try:
    from django.tasks import task, task_backends
except ImportError:  # Django before 6.0
    task = task_backends = None

_SLICE = 60.0
_AT_ONCE = ("ImmediateBackend", "DummyBackend")


def finish(operation_id: str) -> str:
    """Work on an operation until it is done, with the rights of the member who started it. Return its state."""
    operation = Operation.objects.select_related("company", "started_by").get(pk=UUID(operation_id))
    while operation.is_running and operation.started_by is not None:
        before = operation.done
        operation = run(operation, operation.started_by, seconds=_SLICE)
        if operation.is_running and operation.done == before:
            # Another process works on it.
            break
    return operation.state


finish_task = task(finish) if task else None


def hand_over(operation: Operation) -> bool:
    """Give an operation to a worker, if there is one. Return whether there is."""
    if finish_task is None or type(task_backends["default"]).__name__ in _AT_ONCE:
        return False
    finish_task.enqueue(str(operation.pk))
    return True
