"""Write what a plan says, and check that the server has accepted it."""

from __future__ import annotations

from dataclasses import replace

from s3store import errors
from s3store.operations.reports import Step, Watcher
from s3store.operations.setup.planning import DOCUMENTS, TITLES, Plan, plan
from s3store.operations.setup.wishes import SetupError
from s3store.storage import S3Storage


def apply(storage: S3Storage, planned: Plan, *, watcher: Watcher | None = None) -> Plan:
    """Write a plan, and return the plan that was written: for a new bucket, with what its server really lacks.

    Each document is read before and after it is written. Raises SetupError if the plan has refusals, if a document was
    changed meanwhile, or if the server did not accept something; what was written before stays, and another run
    continues there.
    """
    watcher = watcher or Watcher()
    if planned.refusals:
        raise SetupError("\n".join(planned.refusals))
    settings = storage.objects.bucket.settings
    done: list[str] = []
    try:
        if planned.creates:
            if not settings.create(planned.region):
                raise SetupError("The bucket was created meanwhile. Run the command again: it shows the difference.")
            _note(watcher, done, "create", planned.bucket)
            # A new bucket has settings of its own, by the defaults of its server.
            first = planned.changes[0]
            again = plan(storage, wishes=planned.wishes, new=True)
            if again.refusals:
                raise SetupError("The bucket was created. " + "\n".join(again.refusals))
            planned = replace(again, creates=True, changes=(first, *again.changes))
        for name in DOCUMENTS:
            if name in planned.documents:
                document, expected = planned.documents[name]
                settings.write(name, document, expected=expected)
                _note(watcher, done, "write", TITLES[name])
        for key in planned.folders:
            storage.objects.bucket.put(key, b"", storage.objects.listing_params)
            _note(watcher, done, "folder", key)
        left = plan(storage, wishes=planned.wishes)
    except errors.S3StoreError as error:
        before = f" Done before: {', '.join(done)}." if done else " Nothing was changed before."
        raise SetupError(f"{error}{before} Run the command again: it continues there.") from error
    if left.changes:
        lines = [f"{change.document} {change.id}" for change in left.changes]
        raise SetupError(f"The server did not accept everything. It does not have: {', '.join(lines)}.")
    return planned


def _note(watcher: Watcher, done: list[str], op: str, name: str) -> None:
    done.append(f"{op} {name}")
    watcher.step(Step(op=op, name=name))
