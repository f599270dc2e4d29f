"""What a bucket should have: the wishes of the caller, and the statements and rules that follow from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from s3store.core.policies import bucket as statements
from s3store.core.policies import iam, rules
from s3store.core.policies import names as arns
from s3store.operations.project import features_in_use, scope_of, site_origins, uses_of
from s3store.storage import S3Storage


class SetupError(Exception):
    """The bucket cannot be set up, or only a part of the plan was applied. The message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is wanted beyond the defaults.

    `public_prefixes` are key prefixes in the bucket that everybody may read. `cors_origins` None means the origins of
    the site, by its settings; an empty tuple means none. `cors_seconds` is how long browsers remember the CORS rule.
    `kms_key` is the ARN of the key for the default encryption. `distribution` is the ARN of a CloudFront distribution
    that may read the locations. `folders` creates an empty object for each location.
    """

    public_prefixes: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] | None = None
    cors_seconds: int = rules.CORS_SECONDS
    any_origin: bool = False
    versioning: bool = False
    kms_key: str | None = None
    enforce_owner: bool = False
    distribution: str | None = None
    folders: bool = False

    def asks_for(self, document: str) -> str | None:
        """Return the option that explicitly asks for a document, or None."""
        asked = {
            "policy": (self.public_prefixes and "--public-prefix") or (self.distribution and "--distribution"),
            "cors": self.cors_origins and "--cors-origin",
            "versioning": self.versioning and "--versioning",
            "encryption": self.kms_key and "--kms-key",
            "ownership": self.enforce_owner and "--enforce-owner",
        }
        return str(asked[document]) if asked.get(document) else None

    def problems(self) -> Iterator[str]:
        """Yield what is wrong with the wishes themselves, each as a sentence."""
        for prefix in self.public_prefixes:
            if problem := arns.public_prefix_problem(prefix):
                yield problem
        for origin in self.cors_origins or ():
            if problem := rules.origin_problem(origin, any_origin=self.any_origin):
                yield problem
        if self.distribution and (problem := statements.distribution_problem(self.distribution)):
            yield problem
        if not 0 <= self.cors_seconds <= 2**31 - 1:
            yield f"{self.cors_seconds} is not a number of seconds for browsers to remember a CORS rule."


def wanted_policy(storage: S3Storage, wishes: Wishes, *, tls: bool = True) -> list[tuple[dict[str, Any], str]]:
    """Return the statements for the bucket policy, each with the reason for it."""
    bucket = storage.objects.bucket.name or ""
    partition = arns.partition_of(storage.objects.options.region_name)
    found = []
    if tls:
        found.append((statements.only_tls(bucket, partition), "requests without TLS can be read on the way"))
    for prefix in dict.fromkeys(each.strip("/") for each in wishes.public_prefixes):
        why = f"everybody can read the objects below {prefix}/, as --public-prefix says"
        found.append((statements.public_read(bucket, prefix, partition), why))
    if wishes.distribution:
        locations = dict.fromkeys(use.location for use in uses_of(storage))
        statement = statements.cloudfront_read(bucket, wishes.distribution, locations, partition)
        found.append((statement, "the CloudFront distribution can read the bucket, which stays private"))
    return found


def wanted_cors(storage: S3Storage, wishes: Wishes) -> list[tuple[dict[str, Any], str]]:
    """Return the CORS rule for the site, with the reason for it. Empty if the origins of the site are not known."""
    origins = site_origins() if wishes.cors_origins is None else wishes.cors_origins
    if not origins:
        return []
    receiving = [use for use in uses_of(storage) if use.uploads]
    uploads, checksum = bool(receiving), any(use.checksum for use in receiving)
    why = "pages of the site can load fonts and scripts" + (" and send files" if uploads else "") + " from there"
    return [(rules.site_rule(origins, uploads=uploads, checksum=checksum, seconds=wishes.cors_seconds), why)]


def wanted_lifecycle(storage: S3Storage, wishes: Wishes) -> list[tuple[dict[str, Any], str]]:
    """Return the lifecycle rules, each with the reason for it."""
    found = [(rules.abort_rule(), f"parts of uploads that were not completed in {rules.ABORT_DAYS} days cost money")]
    for location in dict.fromkeys(use.location for use in uses_of(storage) if use.uploads):
        why = f"direct uploads that no form has saved in {rules.INCOMING_DAYS} days are deleted"
        found.append((rules.incoming_rule(location), why))
    if wishes.versioning:
        why = f"old versions cost money: they are deleted after {rules.NONCURRENT_DAYS} days"
        found.append((rules.noncurrent_rule(), why))
    return found


def wanted_iam(
    storage: S3Storage, wishes: Wishes, names: tuple[str, ...] = (), *, batch_role: str | None = None
) -> dict[str, Any]:
    """Return the IAM policy for features, or for those that the project uses, such as `storage`, `static`, `uploads`.

    Raises ValueError for an unknown feature, and for one that needs a KMS key or a role that is not given.
    """
    iam.features_of(names)
    scope = scope_of(storage, kms_key=wishes.kms_key, batch_role=batch_role)
    return iam.iam_policy(scope, features_in_use(storage, names, kms=bool(wishes.kms_key)))
