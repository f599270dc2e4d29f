"""Writes down in the company's activity what members do with its files."""

from typing import Any

from companies.access import folder_of

from files.models import Operation
from s3store.sharing import AccessLog

_ACTIONS = {"move": "moved", "copy": "uploaded", "delete": "deleted", "restore": "restored"}


def record(request, access, action: str, path: str, **detail: Any) -> None:
    """Write one line about a file or folder into the activity of the company."""
    root = access.folder.full_root
    AccessLog.record(action, root=root, path=path.rstrip("/"), user=request.user, request=request, detail=detail)


def record_operation(operation: Operation, user) -> None:
    """Write one line about an operation, from which it can be undone."""
    root = folder_of(operation.company, user).full_root
    detail = {"operation": str(operation.pk), "count": operation.done, "target": operation.target}
    pairs = operation.targets if operation.verb in ("move", "copy") else []
    # A moved file is found under its new path.
    path = pairs[0][1] if len(pairs) == 1 else operation.sources[0]
    if pairs:
        detail["source"] = operation.sources[0]
    AccessLog.record(_ACTIONS[operation.verb], root=root, path=path.rstrip("/"), user=user, detail=detail)
