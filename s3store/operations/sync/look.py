"""What a look at the content tells about a name that both sides have."""

from __future__ import annotations

from typing import Any

from s3store import errors
from s3store.core.info import DIGEST, ObjectInfo
from s3store.core.parts import MIB
from s3store.operations.landing import Landing
from s3store.operations.sync import decide, digests
from s3store.operations.sync.decide import SEND, SKIP, How, Verdict
from s3store.operations.sync.remote import Remote
from s3store.operations.sync.rows import Row
from s3store.operations.sync.up import Sender

_BLOCK = MIB


class LocalLook:
    """Compares files of a tree with objects. `sender` knows how the storage would store them."""

    def __init__(self, tree: Landing, remote: Remote, sender: Sender, how: How) -> None:
        self._tree = tree
        self._remote = remote
        self._sender = sender
        self._how = how

    def verdict(self, local: Row, there: Row, *, source: Row, target: Row) -> Verdict:
        """Return SKIP if the content is equal: by the ETag, by what was noted with the object, or, to verify, read."""
        part_size = self._sender.part_size
        with self._sender.stored(local.name) as (content, size):
            same = digests.matches(content, size, there.etag, part_size=part_size) if size == there.size else False
            if same:
                return Verdict(SKIP, "the digest is equal")
            if self._how.verify:
                equal = size == there.size and self._is_equal(content, there.name)
                return Verdict(SKIP, "the content is equal") if equal else Verdict(SEND, "the content differs")
            if size != there.size:
                return Verdict(SEND, "the size differs")
            info = _head(self._remote, there.name)
            if info is None:
                return Verdict(SEND, "nothing tells whether it is equal")
            if noted := info.internal(DIGEST):
                if noted == self._sender.digest(content):
                    return Verdict(SKIP, "the noted digest is equal")
                return Verdict(SEND, "the content differs")
            if same is False and info.md5:
                return Verdict(SEND, "the content differs")
        return decide.by_time_alone(source, target, self._how)

    def _is_equal(self, content: Any, name: str) -> bool:
        """Read the object, and compare it with the content as it would be stored."""
        content.seek(0)
        with self._remote.reader(name) as reader:
            return _are_equal(content, reader)


class ObjectLook:
    """Compares objects of two storages."""

    def __init__(self, source: Remote, target: Remote, how: How) -> None:
        self._source = source
        self._target = target
        self._how = how

    def verdict(self, source: Row, target: Row) -> Verdict:
        """Return SKIP if the content is equal: by what was noted with the objects, or, to verify, read."""
        if source.size != target.size:
            return Verdict(SEND, "the size differs")
        if self._how.verify:
            with self._source.reader(source.name) as left, self._target.reader(target.name) as right:
                equal = _are_equal(left, right)
            return Verdict(SKIP, "the content is equal") if equal else Verdict(SEND, "the content differs")
        two = _head(self._target, target.name)
        if two and source.etag and two.internal(DIGEST) == source.etag:
            return Verdict(SKIP, "the noted digest is equal")
        one = _head(self._source, source.name) if two else None
        if one and two:
            if one.md5 and two.md5:
                same = one.md5 == two.md5
                return Verdict(SKIP, "the digest is equal") if same else Verdict(SEND, "the content differs")
            known = [_digest(info) for info in (one, two)]
            if all(known):
                same = known[0] == known[1]
                return Verdict(SKIP, "the noted digest is equal") if same else Verdict(SEND, "the content differs")
        return decide.by_time_alone(source, target, self._how)


def _digest(info: ObjectInfo) -> str | None:
    return info.internal(DIGEST) or info.md5


def _head(remote: Remote, name: str) -> ObjectInfo | None:
    """Return the facts about an object, or None if it is gone, or may not be read."""
    target = remote.target(name)
    try:
        return remote.objects.bucket.find(target.key, target.params)
    except errors.AccessDeniedError:
        return None


def _are_equal(one: Any, two: Any) -> bool:
    while True:
        first, second = _filled(one), _filled(two)
        if first != second:
            return False
        if not first:
            return True


def _filled(source: Any) -> bytes:
    """Return the next block, which is shorter only at the end."""
    pieces, left = [], _BLOCK
    while left and (piece := source.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
