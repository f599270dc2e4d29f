"""manage.py s3 setup."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from s3store.core.policies import iam, render_rules
from s3store.core.policies.bucket import bucket_policy, cloudfront_key
from s3store.core.policies.merge import Change, compact
from s3store.core.policies.render import FORMATS
from s3store.core.policies.rules import CORS_SECONDS
from s3store.core.units import printable
from s3store.errors import S3StoreError
from s3store.management.verbs.verb import FAILED, UNCONFIRMED, Verb, add_dry_run, add_json, add_storage, add_yes
from s3store.operations.project import scope_of
from s3store.operations.reports import SCHEMA
from s3store.operations.setup import (
    Plan,
    SetupError,
    Wishes,
    apply,
    plan,
    wanted_cors,
    wanted_iam,
    wanted_lifecycle,
    wanted_policy,
)
from s3store.storage import S3Storage


class Setup(Verb):
    """Sets up a bucket for the project, or prints the documents for it."""

    help = (
        "Set up the bucket of a storage: create it, block public access, encrypt it, set the bucket policy, CORS and "
        "lifecycle rules. Compares with what is there, shows the difference, and asks. What others have set stays."
    )

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_storage(parser)
        add_dry_run(parser)
        add_yes(parser)
        add_json(parser)
        add = parser.add_argument
        add("--public-prefix", action="append", default=[], metavar="PREFIX", help=_PUBLIC)
        add("--cors-origin", action="append", metavar="ORIGIN", help=_ORIGIN)
        add("--cors-max-age", type=int, default=CORS_SECONDS, metavar="SECONDS", help=_AGE)
        add("--allow-any-origin", action="store_true", help=_ANY)
        add("--versioning", action="store_true", help="Keep old versions of files, and delete them after 30 days.")
        add("--kms-key", metavar="ARN", help="Encrypt new files with this KMS key. Default: with keys of S3.")
        add(
            "--enforce-owner",
            action="store_true",
            help="Switch ACLs off in a bucket that has them. New ones have none.",
        )
        add("--distribution", metavar="ARN", help="Let a CloudFront distribution read the locations of the storages.")
        add("--folders", action="store_true", help="Create an empty object for each location, which consoles show.")
        add("--print-iam", nargs="*", metavar="FEATURE", help=_IAM)
        for name, what in _PRINTED.items():
            add(f"--print-{name}", action="store_true", help=f"Only print {what}. Sends no request.")
        add("--batch-role", metavar="ARN", help="The role of S3 Batch Operations, for --print-iam batch.")
        add("--format", choices=FORMATS, default="json", help="The format of what is printed. Default: json.")

    def run(self) -> None:
        """Run the command. Raises CommandError."""
        wishes = self._wishes()
        storage = self.storage()
        if self._prints(storage, wishes):
            return
        try:
            planned = plan(storage, wishes=wishes)
            self._show(planned)
            if planned.refusals:
                raise SetupError("\n".join(map(printable, planned.refusals)))
            applied = bool(planned.changes) and not self.options["dry_run"]
            if applied:
                count = len(planned.changes)
                self.output.confirm(f"{count} change{'s' * (count != 1)}. Apply?")
                planned = apply(storage, planned, watcher=self.output)
        except (SetupError, S3StoreError) as error:
            raise CommandError(
                f"The bucket {self._bucket(storage)} is not set up. {error}", returncode=FAILED
            ) from error
        if self.output.json:
            self.output.document({"schema": SCHEMA, "command": "setup", **planned.json(applied=applied)})
        elif applied:
            self.output.say(f"The bucket {printable(planned.bucket)} is set up.")
        elif not planned.changes:
            self.output.say(f"The bucket {printable(planned.bucket)} is set up. Nothing to change.")
        else:
            self.output.say(f"Dry run: {len(planned.changes)} change{'s' * (len(planned.changes) != 1)}.")

    def _bucket(self, storage: S3Storage) -> str:
        return printable(storage.objects.bucket.name or "")

    def _wishes(self) -> Wishes:
        options = self.options
        wishes = Wishes(
            public_prefixes=tuple(options["public_prefix"]),
            cors_origins=None if options["cors_origin"] is None else tuple(options["cors_origin"]),
            cors_seconds=options["cors_max_age"],
            any_origin=options["allow_any_origin"],
            versioning=options["versioning"],
            kms_key=options["kms_key"],
            enforce_owner=options["enforce_owner"],
            distribution=options["distribution"],
            folders=options["folders"],
        )
        if problems := list(wishes.problems()):
            raise CommandError("\n".join(map(printable, problems)), returncode=UNCONFIRMED)
        return wishes

    # The difference

    def _show(self, planned: Plan) -> None:
        if planned.kept:
            many = f"{planned.kept} statements, rules and values stay as they are"
            self.output.say("= 1 statement, rule or value stays as it is" if planned.kept == 1 else f"= {many}")
        for change in planned.changes:
            for line in lines_of(change):
                self.output.say(line)
        for note in planned.notes:
            self.output.warn(f"Note: {note}")

    # Documents

    def _prints(self, storage: S3Storage, wishes: Wishes) -> bool:
        """Print the documents that were asked for, and return whether there were any."""
        options = self.options
        asked = [name for name in _PRINTED if options[f"print_{name}"]]
        if options["print_iam"] is not None:
            asked.append("iam")
        if len(asked) > 1:
            raise CommandError("Print one document at a time.", returncode=UNCONFIRMED)
        if not asked:
            return False
        try:
            self._print(asked[0], storage, wishes)
        except ValueError as error:
            raise CommandError(str(error), returncode=UNCONFIRMED) from error
        return True

    def _print(self, name: str, storage: S3Storage, wishes: Wishes) -> None:
        out, options = self.base.stdout, self.options
        bucket = storage.objects.bucket.name
        if name == "iam":
            policy = wanted_iam(storage, wishes, tuple(options["print_iam"]), batch_role=options["batch_role"])
            if len(compact(policy)) > iam.MANAGED_POLICY_CHARACTERS:
                self.output.warn(f"A managed policy has at most {iam.MANAGED_POLICY_CHARACTERS} characters: split it.")
            out.write(FORMATS[options["format"]](policy, None))
        elif name == "policy":
            tls = storage.objects.bucket.settings.endpoint_url.startswith("https://")
            policy = bucket_policy(statement for statement, _ in wanted_policy(storage, wishes, tls=tls))
            if not policy["Statement"]:
                raise ValueError("The bucket needs no policy: the endpoint uses http, and no prefix is public.")
            out.write(FORMATS[options["format"]](policy, bucket))
        elif name == "cloudfront":
            if options["format"] != "json":
                raise ValueError(
                    "--print-cloudfront prints two policies as JSON. For the one of the bucket in another format, use "
                    "--print-policy --distribution ARN."
                )
            if not wishes.distribution:
                raise ValueError(
                    "--print-cloudfront needs the distribution: --distribution "
                    "arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE"
                )
            found = [statement for statement, _ in wanted_policy(storage, wishes, tls=False)]
            documents = {"bucket_policy": bucket_policy(s for s in found if "CloudFront" in s["Sid"])}
            if scope_of(storage, kms_key=wishes.kms_key).kms_key:
                documents["key_policy"] = bucket_policy([cloudfront_key(wishes.distribution)])
            self._document(documents)
        else:
            wanted = wanted_cors if name == "cors" else wanted_lifecycle
            rules = [rule for rule, _ in wanted(storage, wishes)]
            if not rules:
                raise ValueError(
                    "The origins of the site are not known. Set CSRF_TRUSTED_ORIGINS, or give --cors-origin."
                )
            out.write(render_rules.FORMATS[options["format"]](name, rules, bucket or ""))

    def _document(self, value: Any) -> None:
        self.base.stdout.write(json.dumps(value, indent=2))


def lines_of(change: Change) -> list[str]:
    """Return the lines that show a change: what it is about and why, and then the values as JSON."""
    name = change.document if change.document == change.id else f"{change.document} {change.id}"
    found = [f"{change.op} {printable(name)}: {printable(change.why)}"]
    for sign, value in (("-", change.before), ("+", change.after)):
        if value is not None:
            text = json.dumps(value, indent=2, default=str)
            found += [f"    {sign} {printable(line)}" for line in text.splitlines()]
    return found


_PUBLIC = "Let everybody read the objects below this key prefix, such as static/. Repeatable. Default: none."
_ORIGIN = (
    "An origin of the site, such as https://www.example.com, for CORS. Repeatable. Default: CSRF_TRUSTED_ORIGINS, or "
    "the hosts in ALLOWED_HOSTS."
)
_ANY = "Accept origins with an asterisk, which let any site read the responses."
_AGE = f"How long browsers remember the CORS rule. Default: {CORS_SECONDS}."
_IAM = (
    "Only print the IAM policy with the least permissions, for some features or for those in use. Sends no request. "
    f"Features: {', '.join([*iam.GROUPS, *iam.FEATURES])}."
)
_PRINTED = {
    "policy": "the statements of the bucket policy",
    "cors": "the CORS rule",
    "lifecycle": "the lifecycle rules",
    "cloudfront": "the policy for the CloudFront distribution of --distribution",
}
