"""Rules for the credentials of S3 and CloudFront."""

from __future__ import annotations

from collections.abc import Mapping

from s3store.conf.options import Options
from s3store.conf.rules.rule import Findings, rule


@rule("E002")
def half_pair(options: Options) -> Findings:
    """An access key and a secret key must be set together, and a session token needs both."""
    present, missing = ("access_key", "secret_key") if options.access_key else ("secret_key", "access_key")
    if getattr(options, present) and not getattr(options, missing):
        yield present, f"{present} is set without {missing}.", f"Set {missing} in the same place, or neither."
    if options.security_token and not options.access_key and not options.secret_key:
        yield (
            "security_token",
            "security_token is set without access_key and secret_key.",
            "Set the keys that the token was issued with in the same place, or leave all three to the environment.",
        )


@rule("E013", whole=True)
def half_cloudfront_pair(options: Options) -> Findings:
    """A CloudFront key must have an id. If there are several keys, the id must be one of theirs."""
    names = ("cloudfront_key_id", "cloudfront_key")
    present, missing = names if options.cloudfront_key_id else reversed(names)
    if getattr(options, present) and not getattr(options, missing):
        yield present, f"{present} is set without {missing}.", f"Set {missing}, or neither."
    elif isinstance(options.cloudfront_key, Mapping) and options.cloudfront_key:
        key = options.cloudfront_key.get(options.cloudfront_key_id or "")
        if not isinstance(key, str | bytes) or not key:
            yield (
                "cloudfront_key_id",
                "cloudfront_key has no PEM text for this id.",
                "Use one of the ids in cloudfront_key, and check that its key is not None.",
            )


@rule("E014")
def white_space_in_credentials(options: Options) -> Findings:
    """Credentials must be ASCII, and not contain white space, such as the line break at the end of a file."""
    for name in ("access_key", "secret_key", "security_token"):
        value = getattr(options, name) or ""
        if any(char.isspace() for char in value):
            yield name, f"{name} contains white space.", "Strip it: open(path).read().strip()"
        elif not value.isascii():
            yield name, f"{name} contains non-ASCII characters.", "Copy it again from the place that issued it."


@rule("E019")
def escaped_line_breaks(options: Options) -> Findings:
    """A CloudFront key must contain line breaks, not `\\n` as in many environment variables."""
    key = options.cloudfront_key
    for pem in key.values() if isinstance(key, Mapping) else [key]:
        found = pem.encode(errors="replace") if isinstance(pem, str) else pem
        if isinstance(found, bytes) and rb"\n" in found:
            yield (
                "cloudfront_key",
                r"cloudfront_key contains '\n' instead of line breaks, which is common in environment variables.",
                r"Write cloudfront_key.replace('\\n', '\n').",
            )


@rule("E003")
def two_identities(options: Options) -> Findings:
    """Only one of a profile, keys and anonymous access can be set."""
    given = [name for name in ("session_profile", "access_key", "anonymous") if getattr(options, name)]
    if len(given) > 1:
        yield given[0], f"{' and '.join(given)} are set together.", "Keep only one of them."
