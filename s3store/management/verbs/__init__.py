"""The subcommands of manage.py s3. Only the command s3 uses them."""

from __future__ import annotations

from s3store.management.verbs.acl import Acl
from s3store.management.verbs.batch_report import BatchReport
from s3store.management.verbs.buckets import Buckets
from s3store.management.verbs.cat import Cat
from s3store.management.verbs.completion import Completion
from s3store.management.verbs.cp import Cp
from s3store.management.verbs.doctor import Doctor
from s3store.management.verbs.du import Du
from s3store.management.verbs.headers import Headers
from s3store.management.verbs.incoming import Incoming
from s3store.management.verbs.ls import Ls
from s3store.management.verbs.mb import Mb
from s3store.management.verbs.metadata import Metadata
from s3store.management.verbs.migrate import MigrateMedia
from s3store.management.verbs.multipart import Multipart
from s3store.management.verbs.mv import Mv
from s3store.management.verbs.orphans import OrphansVerb
from s3store.management.verbs.policy import Policy
from s3store.management.verbs.prune import Prune
from s3store.management.verbs.restore import Restore
from s3store.management.verbs.rm import Rm
from s3store.management.verbs.settings import Settings
from s3store.management.verbs.setup import Setup
from s3store.management.verbs.shards import Shards
from s3store.management.verbs.stat import StatVerb
from s3store.management.verbs.sync import Sync
from s3store.management.verbs.tags import Tags
from s3store.management.verbs.url import Url
from s3store.management.verbs.verb import Verb
from s3store.management.verbs.verify import Verify

VERBS: dict[str, type[Verb]] = {
    "acl": Acl,
    "batch-report": BatchReport,
    "buckets": Buckets,
    "cat": Cat,
    "completion": Completion,
    "cp": Cp,
    "doctor": Doctor,
    "du": Du,
    "headers": Headers,
    "incoming": Incoming,
    "ls": Ls,
    "mb": Mb,
    "metadata": Metadata,
    "migrate-media": MigrateMedia,
    "multipart": Multipart,
    "mv": Mv,
    "orphans": OrphansVerb,
    "policy": Policy,
    "prune": Prune,
    "restore": Restore,
    "rm": Rm,
    "settings": Settings,
    "setup": Setup,
    "shards": Shards,
    "stat": StatVerb,
    "sync": Sync,
    "tags": Tags,
    "url": Url,
    "verify": Verify,
}
"""The class of each subcommand, in the order of their names."""
