"""The subcommands of manage.py s3. Only the command s3 uses them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from django.utils.module_loading import import_string

from s3store.management.verbs.verb import Verb

_CLASSES = {
    "acl": "acl.Acl",
    "batch-report": "batch_report.BatchReport",
    "buckets": "buckets.Buckets",
    "cat": "cat.Cat",
    "completion": "completion.Completion",
    "cp": "cp.Cp",
    "doctor": "doctor.Doctor",
    "du": "du.Du",
    "headers": "headers.Headers",
    "incoming": "incoming.Incoming",
    "ls": "ls.Ls",
    "mb": "mb.Mb",
    "metadata": "metadata.Metadata",
    "migrate-media": "migrate.MigrateMedia",
    "multipart": "multipart.Multipart",
    "mv": "mv.Mv",
    "orphans": "orphans.OrphansVerb",
    "policy": "policy.Policy",
    "prune": "prune.Prune",
    "restore": "restore.Restore",
    "rm": "rm.Rm",
    "settings": "settings.Settings",
    "setup": "setup.Setup",
    "shards": "shards.Shards",
    "stat": "stat.StatVerb",
    "sync": "sync.Sync",
    "tags": "tags.Tags",
    "url": "url.Url",
    "verify": "verify.Verify",
}


class _Verbs(Mapping[str, type[Verb]]):
    """The classes by names. One is imported when it is needed: all of them take as long as the rest of a short run."""

    def __getitem__(self, name: str) -> type[Verb]:
        return _imported(_CLASSES[name])

    def __iter__(self) -> Iterator[str]:
        return iter(_CLASSES)

    def __len__(self) -> int:
        return len(_CLASSES)


@cache
def _imported(path: str) -> type[Verb]:
    verb: type[Verb] = import_string(f"{__name__}.{path}")
    return verb


VERBS: Mapping[str, type[Verb]] = _Verbs()
"""The class of each subcommand, in the order of their names."""
