"""What setup can mend of what an examination has found: its plan, restricted to these documents of the bucket."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from s3store import errors
from s3store.operations.doctor.report import Report
from s3store.operations.reports import Step, Watcher
from s3store.operations.setup import Plan, SetupError, Wishes, apply, plan
from s3store.operations.setup.applying import reason_of
from s3store.storage import S3Storage

DOCUMENTS: dict[str, tuple[str, ...]] = {
    "cors-missing": ("cors",),
    "not-public": ("policy", "public-access-block"),
    "parts-left": ("lifecycle",),
    "public-block-off": ("public-access-block",),
    "public-read": ("public-access-block",),
    "versions-kept": ("lifecycle",),
}
"""The documents that mend a finding. A bucket that is missing is created with all of them."""


def plan_fix(storage: S3Storage, report: Report, *, origins: Iterable[str] | None = None) -> Plan | None:
    """Return the part of setup's plan that mends the findings of a report, or None if it cannot mend any.

    Sends only reads. `origins` are those for CORS. Default: those of the site. Raises SetupError, and S3StoreError if
    S3 cannot be asked.
    """
    found = {finding.id for finding in report.fixable}
    if not found:
        return None
    wishes = Wishes(
        public_prefixes=(report.prefix,) if "not-public" in found else (),
        cors_origins=None if origins is None else tuple(origins),
        versioning="versions-kept" in found,  # the bucket has it already: this is about the rule that ends them
    )
    planned = plan(storage, wishes=wishes)
    return planned if planned.creates else _only(planned, _documents(found))


def _documents(found: Iterable[str]) -> set[str]:
    return {document for identifier in found for document in DOCUMENTS.get(identifier, ())}


def _only(planned: Plan, names: Iterable[str]) -> Plan:
    wanted = set(names)
    return replace(
        planned,
        changes=tuple(change for change in planned.changes if change.document in wanted),
        documents={name: document for name, document in planned.documents.items() if name in wanted},
        folders=(),
    )


def fix(storage: S3Storage, planned: Plan, *, watcher: Watcher | None = None) -> None:
    """Write a plan of `plan_fix`. Each document is read before and after it is written.

    Raises SetupError if the plan has refusals, or if the server has not accepted something.
    """
    watcher = watcher or Watcher()
    if planned.creates or planned.refusals:
        apply(storage, planned, watcher=watcher)
        return
    writer = storage.objects.bucket.settings
    for name, (document, expected) in planned.documents.items():
        try:
            writer.write(name, document, expected=expected)
        except errors.AccessDeniedError as error:
            if reason := reason_of(storage, error):
                raise SetupError(f"{error}{reason}") from error
            raise
        watcher.step(Step(op="write", name=name))
    left = _only(plan(storage, wishes=planned.wishes), planned.documents).changes
    if left:
        raise SetupError(f"The server did not accept everything. It does not have: {', '.join(c.id for c in left)}.")
