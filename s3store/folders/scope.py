"""What one call of a Folder works with, from its first to its last step."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from s3store.folders.access import Access
from s3store.folders.jail import Jail, joined
from s3store.wire.conditions import Conditions, conditions_of
from s3store.wire.objects import Objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The objects of the storage, for one set of options; who asks; and where the folder is."""

    objects: Objects
    access: Access
    jail: Jail

    @property
    def conditions(self) -> Conditions:
        """The conditions that the server keeps."""
        probe = self.objects.target(joined(self.jail.own, f"probe/{secrets.token_hex(8)}"))
        return conditions_of(self.objects.bucket, probe.key, probe.params)
