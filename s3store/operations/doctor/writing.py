"""Probes 2 to 5: an object is saved, read and protected as the storage does it with files, and one is missing."""

from __future__ import annotations

import re
from typing import Any

from s3store.core.digests import content_md5
from s3store.core.parameters import Parameters
from s3store.operations.doctor.examination import BODY, Examination
from s3store.wire.client import sends_own_checksums
from s3store.wire.examining import Examiner, Reply

# AWS: "Troubleshoot access denied (403 Forbidden) errors": since 2024 the message names the kind of the policy.
_DENY = re.compile(r"with an explicit deny in an? ([\w -]+)")
_HEADERS = {
    "ContentType": "Content-Type",
    "CacheControl": "Cache-Control",
    "ContentDisposition": "Content-Disposition",
    "ContentLanguage": "Content-Language",
}
_NOT_FOUND = 404
_CONDITION_FAILED = 412
_PARAMETERS = {
    "ACL": ("s3:PutObjectAcl", "default_acl, or ACL in object_parameters"),
    "Tagging": ("s3:PutObjectTagging", "Tagging in object_parameters"),
}


def end_if_denied(examined: Examination, reply: Reply, request: str) -> None:
    """End if something changes requests on their way. A policy that denies a request explicitly is noted too."""
    seen = f"{request} returned {reply.seen}"
    if reply.code == "SignatureDoesNotMatch":
        examined.end("requests-changed", seen)


def explicit_deny(examined: Examination, reply: Reply, request: str) -> bool:
    """Note a policy that denies a request explicitly. Returns whether the response names one."""
    found = _DENY.search(reply.message)
    if found:
        policy = found[1].strip().removesuffix(" policy")
        examined.found("explicit-deny", f"{request} returned {reply.seen}", policy=f"a policy of the kind {policy}")
    return found is not None


# Saving


def examine_save(examined: Examination) -> None:
    """Save the object as the storage saves files: one request, and one more for each parameter that may be the reason.

    If the object is accepted without a parameter, the probes that follow have an object all the same.
    """
    params = examined.objects.written(examined.target)
    reply = _put(examined, params)
    if reply.ok:
        examined.note(f"Save: {examined.target.key!r}.")
        return
    seen = f"PutObject returned {reply.seen}"
    end_if_denied(examined, reply, "PutObject")
    for explains in (_acl, _kms, _checksums, _parameters, _encryption, _owner):
        if explains(examined, reply, params, seen):
            return
    if explicit_deny(examined, reply, "PutObject"):
        return
    if reply.refused:
        examined.found("write-denied", seen)
    else:
        examined.found("unexpected", seen, request="PutObject")


def _put(examined: Examination, params: Parameters, examiner: Examiner | None = None, **extra: Any) -> Reply:
    """Send the object with boto3, with the checksums that the storage uses."""
    examiner = examiner or examined.examiner
    own = {} if sends_own_checksums(examiner.client) else {"ContentMD5": content_md5(BODY)}
    was_left = examined.is_left
    # The response can be lost after the object was stored, and the user can interrupt the command.
    examined.is_left = True
    reply = examiner.ask("put_object", examined.target.key, params, Body=BODY, **own, **extra)
    if reply.ok:
        examined.may_write, examined.accepted, examined.examiner = True, Parameters({**params, **extra}), examiner
        remember(examined, reply)
    elif 400 <= reply.status < 500:
        examined.is_left = was_left
    return reply


def remember(examined: Examination, reply: Reply) -> None:
    """Note the version that a write has created, in order to delete it."""
    version = reply.headers.get("x-amz-version-id", "")
    if version and version != "null":
        examined.versions.append(version)


def _without(params: Parameters, name: str) -> Parameters:
    return Parameters((key, value) for key, value in params.items() if key != name)


def _acl(examined: Examination, reply: Reply, params: Parameters, seen: str) -> bool:
    if reply.code != "AccessControlListNotSupported":
        return False
    examined.found("acl-not-supported", seen)
    _put(examined, _without(params, "ACL"))
    return True


def _kms(examined: Examination, reply: Reply, params: Parameters, seen: str) -> bool:  # noqa: ARG001 (as its siblings)
    is_key = reply.code.startswith("KMS.")
    if is_key or "kms:" in reply.message:
        examined.found("kms-key" if is_key else "kms-denied", seen)
        return True
    return False


def _checksums(examined: Examination, reply: Reply, params: Parameters, seen: str) -> bool:
    # Some servers say 401 or 403 to what they do not know.
    plain = examined.examiner.with_options(checksums="when_required")
    if not reply.status or not sends_own_checksums(examined.examiner.client) or sends_own_checksums(plain.client):
        return False
    if not _put(examined, params, plain).ok:
        return False
    examined.found("checksums-refused", seen)
    return True


def _parameters(examined: Examination, reply: Reply, params: Parameters, seen: str) -> bool:
    for name, (permission, option) in _PARAMETERS.items():
        value = params.get(name)
        if not value or not reply.refused or not _put(examined, _without(params, name)).ok:
            continue
        if name == "ACL" and str(value).startswith(("public", "authenticated")) and permission not in reply.message:
            examined.found("public-acl-blocked", seen, acl=str(value))
        else:
            words = {"parameter": f"{name}={value!r}", "permission": permission, "option": option}
            examined.found("parameter-denied", seen, **words)
        return True
    return False


def _encryption(examined: Examination, reply: Reply, params: Parameters, seen: str) -> bool:
    if not reply.refused or "ServerSideEncryption" in params or "SSECustomerKey" in params:
        return False
    if not _put(examined, params, ServerSideEncryption="AES256").ok:
        return False
    header = "the header x-amz-server-side-encryption: AES256"
    examined.found("policy-demands", seen, header=header, value="AES256")
    return True


def _owner(examined: Examination, reply: Reply, params: Parameters, seen: str) -> bool:  # noqa: ARG001
    """Find out whether the bucket is one of the account's own, if the account may list them."""
    if not reply.refused or not examined.listed.refused:
        return False
    own = examined.own_buckets()
    if own is None or examined.bucket in own:
        return False
    return examined.end("bucket-of-others", seen)


# Reading


def examine_read(examined: Examination) -> None:
    """Read the object: its bytes, its type, its encoding and its headers. One request."""
    params = examined.accepted
    reply = examined.ask("get_object", examined.target.key, params)
    if not reply.ok:
        end_if_denied(examined, reply, "GetObject")
        seen = f"GetObject returned {reply.seen}"
        if "kms:" in reply.message or reply.code.startswith("KMS."):
            examined.found("kms-denied" if "kms:" in reply.message else "kms-key", seen)
        elif not explicit_deny(examined, reply, "GetObject"):
            examined.found("read-denied" if reply.refused else "unexpected", seen, request="GetObject")
        return
    body = examined.read(reply)
    encoding = str(reply.value.get("ContentEncoding") or "")
    if "aws-chunked" in encoding:
        examined.found("aws-chunked", f"Content-Encoding: {encoding}")
    elif body != BODY:
        difference = f"{len(BODY)} bytes were saved, and {len(body)} other bytes came back"
        examined.found("content-differs", f"GetObject returned {reply.seen}", difference=difference)
    else:
        examined.note(f"Read: {len(body)} bytes, as saved.")
    lost = [
        f"{header}: {params[name]}"
        for name, header in _HEADERS.items()
        if params.get(name) and _plain(reply.value.get(name)) != _plain(params[name])
    ]
    metadata = {name.lower(): text for name, text in (params.get("Metadata") or {}).items()}
    kept = reply.value.get("Metadata") or {}
    lost += [f"x-amz-meta-{name}: {text}" for name, text in metadata.items() if kept.get(name) != text]
    if "SSECustomerKey" in params:
        examined.found("customer-key", "SSECustomerKey is one of the object parameters")
    if lost:
        examined.found("headers-lost", f"GetObject returned {reply.seen}", headers=", ".join(lost))


def _plain(value: Any) -> str:
    return str(value or "").lower().replace(" ", "")


# Conditions, and what is missing


def examine_condition(examined: Examination) -> None:
    """Save the object again under the condition that it does not exist: one request, which must fail."""
    if not examined.options.conditional_writes:
        examined.note("Conditional writes are switched off (conditional_writes).")
        return
    was_accepted = examined.accepted
    reply = _put(examined, was_accepted, IfNoneMatch="*")
    examined.accepted = was_accepted
    seen = f"PutObject with If-None-Match: * returned {reply.seen}"
    # A storage that overwrites never sends the condition.
    level = "note" if examined.options.file_overwrite else None
    if reply.status == _CONDITION_FAILED:
        examined.note("Conditional writes: an existing file is not replaced.")
    elif reply.ok:
        examined.found("conditions-ignored", seen, level=level)
    else:
        examined.found("conditions-refused", seen, level=level)


def examine_missing(examined: Examination) -> None:
    """Read a file that does not exist: one request. Only 404 says that it is missing."""
    reply = examined.ask("get_object", examined.missing.key, examined.missing.params)
    seen = f"GetObject of a missing key returned {reply.seen}"
    if reply.status == _NOT_FOUND:
        examined.note("A missing file is reported as missing.")
    elif reply.refused:
        examined.found("missing-hidden", seen)
    else:
        examined.found("unexpected", seen, request="GetObject of a missing key")
