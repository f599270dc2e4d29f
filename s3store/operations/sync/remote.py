"""The files of a storage below a directory."""

from __future__ import annotations

from collections.abc import Iterator

from s3store.core import keys, urls
from s3store.core.archive import READABLE, access_of
from s3store.core.info import ObjectInfo
from s3store.core.keyrange import KeyRange
from s3store.files.reader import RangeReader
from s3store.operations.inventory import Inventory, scan_inventory
from s3store.operations.places import Place, PlaceError
from s3store.operations.sync import names
from s3store.operations.sync.rows import Found, Row
from s3store.wire.objects import Objects, Target
from s3store.wire.responses import Response


class Remote:
    """A directory of a storage, with the options that it had when the run began.

    `within` limits the listing, and `inventory` replaces it.
    """

    def __init__(self, place: Place, within: KeyRange | None = None, inventory: Inventory | None = None) -> None:
        if place.storage is None:
            raise PlaceError(f"{place} is not in a storage.")
        self.storage = place.storage
        self._place = place
        self._within = within or KeyRange()
        self._inventory = inventory
        self.objects: Objects = place.storage.objects
        self.path = keys.clean_name(place.path).rstrip("/")
        self.prefix = self.objects.prefix(self.path)

    def name(self, relative: str) -> str:
        """Return the name of a file in the storage."""
        return f"{self.path}/{relative}" if self.path else relative

    def target(self, relative: str) -> Target:
        """Return name, key and parameters of a file. Raises SuspiciousFileOperation."""
        return self.objects.target(self.name(relative))

    def rows(self, found: Found) -> Iterator[Row]:
        """Yield the files as S3 lists them. Keys that are not names, and markers with content, go to `found`."""
        objects, within, start = self.objects, self._within, len(self.prefix)
        if self._inventory:
            for name, info in scan_inventory(self._inventory, self._place):
                relative = name[len(self.path) + 1 if self.path else 0 :]
                if within.takes(relative):
                    yield row_of(relative, info)
            return
        ranged = objects.lists_ranges
        after = self.prefix + within.after if within.after and ranged else None
        for page in objects.pages(self.prefix, flat=False, after=after):
            for name, info in zip(objects.names(page), page.objects, strict=True):
                relative = info.key[start:]
                if ranged and within.is_past(relative):
                    return
                if not relative or not within.takes(relative):
                    # The marker of the directory itself, or a name of another shard.
                    continue
                if not name:
                    found.fail(relative, names.unlisted(info.key))
                elif not relative.endswith("/"):
                    yield row_of(relative, info)
                elif info.size:
                    found.fail(
                        relative,
                        names.NameRefusedError(
                            f"The key {info.key!r} ends with a slash and has {info.size} bytes of content. Copy it to "
                            "another key."
                        ),
                    )
                else:
                    found.folders.add(relative[:-1])

    @property
    def in_order(self) -> bool | None:
        """Whether the server lists keys by their bytes: known to, known not to as SeaweedFS, or None if unknown.

        AWS: "ListObjectsV2".
        """
        options = self.objects.options
        if self._inventory:
            return False
        if options.provider:
            return options.provider != "seaweedfs"
        return not options.endpoint_url or urls.is_aws(options.endpoint_url) or None

    def reader(self, relative: str) -> RangeReader:
        """Return the stored bytes of a file, open for reading. The first request is sent here."""
        target, bucket = self.target(relative), self.objects.bucket

        def fetch(start: int, stop: int | None, etag: str | None) -> Response:
            return bucket.get(target.key, target.params, start=start, stop=stop, etag=etag)

        return RangeReader(target.key, fetch)

    def is_readable(self, relative: str) -> bool:
        """Return whether a file in an archive is restored: one request. Listings do not tell."""
        target = self.target(relative)
        return access_of(self.objects.bucket.head(target.key, target.params)).state == READABLE

    def is_file(self) -> bool:
        """Return whether the path is that of a file: one request."""
        if not self.path:
            return False
        target = self.objects.target(self.path)
        return self.objects.bucket.find(target.key, target.params) is not None


def row_of(relative: str, info: ObjectInfo) -> Row:
    """Return the row of an object."""
    modified = info.modified.timestamp() if info.modified else 0.0
    return Row(relative, info.size, modified, (info.etag or "").strip('"'), info.storage_class or "")
