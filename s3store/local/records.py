"""What the twin knows about an object: the headers of its upload, and the facts that S3 derives from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from s3store.core import headers as names
from s3store.core.info import ATTRIBUTES, Grant, ObjectInfo
from s3store.core.parameters import CONTENT_HEADERS, Params

SSE_C = "x-amz-server-side-encryption-customer-algorithm"

_OWNER = "s3store-local"
_EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"
_SIGNED_IN = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"

# AWS: "Canned ACL". The bucket and its objects have the same owner.
_CANNED = {
    "public-read": (("READ", _EVERYONE),),
    "public-read-write": (("READ", _EVERYONE), ("WRITE", _EVERYONE)),
    "authenticated-read": (("READ", _SIGNED_IN),),
}
_GRANTEE = re.compile(r'(?:id|uri|emailAddress)\s*=\s*"?([^",]+)"?', re.IGNORECASE)
_GRANT = "x-amz-grant-"

# These belong to a request, not to an object.
_NOT_KEPT = ("SSECustomer", "ExpectedBucketOwner", "RequestPayer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An object: its key, and the path of its content below the bucket's directory. `modified`: seconds since 1970.

    Names of `headers` are in lower case.
    """

    key: str
    path: str
    size: int
    etag: str
    modified: int
    headers: Mapping[str, str]

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of PutObject with which the object was written."""
        return names.parameters_of(self.headers)

    @property
    def info(self) -> ObjectInfo:
        """The facts about the object, as a HEAD returns them."""
        params = self.params
        facts = {attribute: params.get(name) for name, attribute in ATTRIBUTES.items()}
        if SSE_C in self.headers:
            facts["encryption"] = "SSE-C"
        return ObjectInfo(
            key=self.key,
            size=self.size,
            etag=self.etag,
            modified=datetime.fromtimestamp(self.modified, timezone.utc),
            all_metadata=params.get("Metadata", {}),
            **facts,
        )

    @property
    def listed(self) -> ObjectInfo:
        """The facts about the object, as a listing returns them."""
        info = self.info
        storage_class = info.storage_class or "STANDARD"
        return ObjectInfo(
            key=self.key, size=self.size, etag=self.etag, modified=info.modified, storage_class=storage_class
        )

    @property
    def grants(self) -> tuple[Grant, ...]:
        """The lines of the object's ACL."""
        given = [
            (name.removeprefix(_GRANT).replace("-", "_").upper(), grantee)
            for name, value in self.headers.items()
            if name.startswith(_GRANT)
            for grantee in _GRANTEE.findall(value)
        ]
        given += _CANNED.get(self.headers.get("x-amz-acl", ""), ())
        pairs = [("FULL_CONTROL", _OWNER), *given]
        return tuple(Grant(permission=permission, grantee=grantee) for permission, grantee in pairs)

    @property
    def is_public(self) -> bool:
        """Whether the ACL lets everyone read the object."""
        return any(grant.grantee == _EVERYONE and grant.permission in ("READ", "FULL_CONTROL") for grant in self.grants)


def headers_of(params: Params) -> dict[str, str]:
    """Return the headers to keep of an upload with these parameters, with names in lower case."""
    plain = {name: value for name, value in params.items() if value is not None and not name.startswith(_NOT_KEPT)}
    found = {name.lower(): value for name, value in names.headers_of(plain).items()}
    if algorithm := params.get("SSECustomerAlgorithm"):
        found[SSE_C] = str(algorithm)
    return found


def kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of an upload that belong to the object, with names in lower case."""
    return headers_of(names.parameters_of(headers))


def copied(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that a copy keeps: content headers and metadata, and neither ACL nor storage class."""
    params = names.parameters_of(headers)
    return headers_of({name: value for name, value in params.items() if name in CONTENT_HEADERS | {"Metadata"}})


def without_acl(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers without those of the ACL."""
    return {name: value for name, value in headers.items() if name != "x-amz-acl" and not name.startswith(_GRANT)}
