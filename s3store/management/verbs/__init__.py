"""The subcommands of manage.py s3. Only the command s3 uses them."""

from __future__ import annotations

from s3store.management.verbs.headers import Headers
from s3store.management.verbs.incoming import Incoming
from s3store.management.verbs.migrate import MigrateMedia
from s3store.management.verbs.multipart import Multipart
from s3store.management.verbs.orphans import OrphansVerb
from s3store.management.verbs.prune import Prune
from s3store.management.verbs.restore import Restore
from s3store.management.verbs.sync import Sync
from s3store.management.verbs.verb import Verb
from s3store.management.verbs.verify import Verify

VERBS: dict[str, type[Verb]] = {
    "headers": Headers,
    "incoming": Incoming,
    "migrate-media": MigrateMedia,
    "multipart": Multipart,
    "orphans": OrphansVerb,
    "prune": Prune,
    "restore": Restore,
    "sync": Sync,
    "verify": Verify,
}
"""The class of each subcommand, in the order of their names."""
