"""Examines the bucket of a storage, and says in words what is wrong and what to do."""

from __future__ import annotations

from s3store.operations.doctor.findings import CATALOGUE, ERROR, NOTE, WARNING, Finding
from s3store.operations.doctor.mending import fix, plan_fix
from s3store.operations.doctor.report import Report
from s3store.operations.doctor.run import examine, examine_alias, s3_aliases

__all__ = [
    "CATALOGUE",
    "ERROR",
    "NOTE",
    "WARNING",
    "Finding",
    "Report",
    "examine",
    "examine_alias",
    "fix",
    "plan_fix",
    "s3_aliases",
]
