"""The subcommands of manage.py s3. Only the command s3 uses them."""

from __future__ import annotations

from s3store.management.verbs.buckets import Buckets
from s3store.management.verbs.doctor import Doctor
from s3store.management.verbs.headers import Headers
from s3store.management.verbs.mb import Mb
from s3store.management.verbs.policy import Policy
from s3store.management.verbs.setup import Setup
from s3store.management.verbs.verb import Verb

VERBS: dict[str, type[Verb]] = {
    "buckets": Buckets,
    "doctor": Doctor,
    "headers": Headers,
    "mb": Mb,
    "policy": Policy,
    "setup": Setup,
}
"""The class of each subcommand, in the order of their names."""
