"""Makes one place contain what another one contains. The commands sync, verify and migrate-media use it."""

from s3store.operations.sync.deletes import Doomed
from s3store.operations.sync.run import sync
from s3store.operations.sync.transfer import ArchivedError, ContentDiffersError
from s3store.operations.sync.verify import verify, verify_rows

__all__ = ["ArchivedError", "ContentDiffersError", "Doomed", "sync", "verify", "verify_rows"]
