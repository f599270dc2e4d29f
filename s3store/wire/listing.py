"""Pages of listings, read before botocore parses them.

botocore parses each page twice, first to look for an error in it, and visits each element in Python. A page of 1000
objects takes it most of a tenth of a second. So its handlers get the page without the entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from xml.etree import ElementTree

from s3store.core import xmlpage
from s3store.wire.sessions import moment

EVENT = "before-parse.*.ListObjectsV2"
"""The event for `take_entries`. With `*`, handlers run before botocore's own, which parse the body."""

OBJECTS = "S3StoreObjects"
"""The key of the ObjectInfos in a response that was read inside `as_objects`."""

_wanted: ContextVar[bool] = ContextVar("s3store_as_objects", default=False)


@contextmanager
def as_objects() -> Iterator[None]:
    """Let responses inside the block have a list of ObjectInfo, as OBJECTS, instead of the dicts of boto3.

    If anything in a page is unusual, the response has the dicts.
    """
    token = _wanted.set(True)
    try:
        yield
    finally:
        _wanted.reset(token)


_READ: dict[str, Callable[[str], Any]] = {
    "ChecksumType": str,
    "ETag": str,
    "Key": str,
    "LastModified": moment,
    "Size": int,
    "StorageClass": str,
}


def take_entries(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    """Read the entries of a response to ListObjectsV2, and leave the rest of it to botocore.

    A handler of botocore's event `before-parse`. If anything in an entry is unusual, botocore parses all of it.
    Raises ValueError for a page with a document type declaration. AWS: "ListObjectsV2".
    """
    body = response_dict["body"]
    if response_dict["status_code"] != 200:
        return
    xmlpage.refuse_declarations(body)
    found = xmlpage.read(body) if _wanted.get() else None
    if found:
        customized_response_dict[OBJECTS], response_dict["body"] = found
        return
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 (no declarations; botocore parses it in the same way)
        entries = [_entry(node) for node in root if _is_entry(node)]
    except (ElementTree.ParseError, ValueError, KeyError):
        return
    if entries:
        root[:] = [node for node in root if not _is_entry(node)]
        response_dict["body"] = ElementTree.tostring(root)
        customized_response_dict["Contents"] = entries


def _entry(node: ElementTree.Element) -> dict[str, Any]:
    """Return an entry as botocore does. Raises KeyError for an unknown element and ValueError for a wrong one."""
    entry: dict[str, Any] = {}
    for element in node:
        name, text = _name(element), element.text or ""
        if name == "ChecksumAlgorithm":
            entry.setdefault(name, []).append(text)
        elif name in entry or len(element):
            raise ValueError(f"{name} is given twice, or has elements.")
        else:
            entry[name] = _READ[name](text)
    return entry


def _is_entry(element: ElementTree.Element) -> bool:
    return _name(element) == "Contents"


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
