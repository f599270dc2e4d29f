"""The rules for options: one function for each. They send no requests.

A storage raises the first error when it is used. The system checks report all errors and warnings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from s3store.conf.rules import credentials, delivery, server, values
from s3store.conf.rules.rule import Rule
from s3store.conf.sources import Resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A broken rule: the id of the check, the option, what is wrong, and what to do."""

    id: str
    option: str
    message: str
    hint: str


# The order matters: a storage raises the first error.
RULES: tuple[Rule, ...] = (
    values.wrong_type,
    credentials.half_pair,
    credentials.half_cloudfront_pair,
    credentials.white_space_in_credentials,
    credentials.escaped_line_breaks,
    credentials.two_identities,
    delivery.impossible_expiry,
    values.impossible_location,
    server.impossible_endpoint,
    values.unknown_acl,
    values.unknown_object_parameters,
    server.impossible_bucket_name,
    values.unknown_choice,
    values.impossible_number,
    delivery.impossible_domain,
    values.unknown_transfer_arguments,
    server.impossible_region,
    server.unknown_provider,
    server.no_endpoint_of_provider,
    delivery.unprotected_transport,
    delivery.domain_without_its_signature,
    server.bucket_name_off_the_rules,
    server.contradicted_provider,
    server.acl_without_acls,
    delivery.signed_for_unsigned_domain,
    server.unknown_region,
    values.unknown_client_arguments,
    server.missing_ca_bundle,
    server.unverified_checksum,
)


def problems(resolved: Resolved, *, warnings: bool = False, whole: bool = True) -> Iterator[Problem]:
    """Yield the problems of the options, errors only unless `warnings`. Messages name the source of the value.

    If an option has a wrong type, the other rules, which rely on the types, are skipped.
    """
    wrong_types = False
    for candidate in RULES:
        if wrong_types or (candidate.whole and not whole):
            continue
        if not warnings and candidate.id.startswith("s3store.W"):
            continue
        for option, message, hint in candidate.find(resolved.options):
            wrong_types = wrong_types or candidate is values.wrong_type
            source = resolved.sources.get(option, f"the default of {option}")
            if source.startswith("settings."):
                # Name the line of the settings file.
                hint = hint.replace(f"{option}=", f"{source.removeprefix('settings.')} = ")
            yield Problem(id=candidate.id, option=option, message=f"{source}: {message}", hint=hint)
