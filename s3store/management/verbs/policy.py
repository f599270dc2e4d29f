"""manage.py s3 policy."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from s3store.core.units import printable
from s3store.errors import S3StoreError
from s3store.management.verbs.verb import FAILED, Verb, add_json, add_storage, add_yes
from s3store.operations.buckets import BUCKET_ACLS, Setting, describe, set_acl
from s3store.operations.reports import SCHEMA

_STATES = {
    "none": "none",
    "denied": "cannot tell: the credentials may not read it",
    "unknown": "this server has no such setting",
}


class Policy(Verb):
    """Shows who may do what with a bucket, and its other settings."""

    help = (
        "Show the settings of a bucket: who may use it (ACL, ownership, policy, public access), CORS, lifecycle, "
        "encryption, versioning. With --acl, set its canned ACL."
    )

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        help_text = "Set the canned ACL of the bucket. Only for buckets whose ownership allows ACLs."
        parser.add_argument("--acl", choices=BUCKET_ACLS, help=help_text)
        add_storage(parser)
        add_yes(parser)
        add_json(parser)

    def run(self) -> None:
        """Run the command. Raises CommandError."""
        storage = self.storage()
        acl = self.options["acl"]
        if acl and acl != "private":
            self.output.confirm(
                f"The ACL {acl} gives others access to the bucket {storage.objects.bucket.name}. Set it?"
            )
        try:
            found = (set_acl(storage, acl),) if acl else describe(storage)
        except S3StoreError as error:
            raise CommandError(str(error), returncode=FAILED) from error
        if self.output.json:
            settings = {each.name: {"state": each.state, "value": each.value or None} for each in found}
            bucket = storage.objects.bucket.name
            self.output.document({"schema": SCHEMA, "command": "policy", "bucket": bucket, "settings": settings})
            return
        for each in found:
            self.output.say(_line(each))


def _line(found: Setting) -> str:
    if found.state != "set":
        return f"{found.name}: {_STATES[found.state]}"
    if found.name == "acl":
        grants = [f"  {grant.get('Permission')} {_grantee(grant)}" for grant in found.value.get("Grants") or ()]
        return "\n".join([f"{found.name}:", *map(printable, grants)])
    text = json.dumps(found.value, indent=2, default=str)
    lines = [f"  {printable(line)}" for line in text.splitlines()]
    return "\n".join([f"{found.name}:", *lines])


def _grantee(grant: Mapping[str, Any]) -> str:
    who = grant.get("Grantee") or {}
    found = who.get("URI") or who.get("EmailAddress") or who.get("ID") or "?"
    return f"{who['DisplayName']} ({found})" if who.get("DisplayName") else str(found)
