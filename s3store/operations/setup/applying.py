"""Write what a plan says, and check that the server has accepted it."""

from __future__ import annotations

from dataclasses import replace

from s3store import errors
from s3store.operations.reports import Step, Watcher
from s3store.operations.setup.planning import DOCUMENTS, TITLES, Plan, plan
from s3store.operations.setup.wishes import SetupError
from s3store.storage import S3Storage
from s3store.wire.account import account_block, account_in, policies_blocked
from s3store.wire.chain import caller_of
from s3store.wire.sessions import is_on_aws


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
        raise SetupError(
            f"{error}{reason_of(storage, error)}{before} Run the command again: it continues there."
        ) from error
    if left.changes:
        lines = [f"{change.document} {change.id}" for change in left.changes]
        raise SetupError(f"The server did not accept everything. It does not have: {', '.join(lines)}.")
    return planned


def reason_of(storage: S3Storage, error: errors.S3StoreError) -> str:
    """Return a sentence if AWS refuses a bucket policy because the whole account blocks public access, or ""."""
    if not isinstance(error, errors.AccessDeniedError) or error.operation != "put_bucket_policy":
        return ""
    options = storage.objects.options
    account = account_in(caller_of(options)) if is_on_aws(options) else ""
    blocked = policies_blocked(account_block(options, account))
    if not blocked:
        return ""
    return (
        f" Block Public Access is on for the whole account {account}: {', '.join(blocked)}. Serve public files through "
        "CloudFront with Origin Access Control: `manage.py s3 setup --print-cloudfront`."
    )


def _note(watcher: Watcher, done: list[str], op: str, name: str) -> None:
    done.append(f"{op} {name}")
    watcher.step(Step(op=op, name=name))
