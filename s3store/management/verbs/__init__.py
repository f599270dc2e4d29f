"""The subcommands of manage.py s3. Only the command s3 uses them."""

from __future__ import annotations

from s3store.management.verbs.batch_report import BatchReport
from s3store.management.verbs.headers import Headers
from s3store.management.verbs.shards import Shards
from s3store.management.verbs.sync import Sync
from s3store.management.verbs.verb import Verb
from s3store.management.verbs.verify import Verify

VERBS: dict[str, type[Verb]] = {
    "batch-report": BatchReport,
    "headers": Headers,
    "shards": Shards,
    "sync": Sync,
    "verify": Verify,
}
"""The class of each subcommand, in the order of their names."""
