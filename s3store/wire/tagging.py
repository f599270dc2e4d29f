"""The verb that changes the tags of an object. AWS: "PutObjectTagging", "DeleteObjectTagging"."""

from __future__ import annotations

from collections.abc import Mapping

from s3store.core.parameters import Params
from s3store.wire.requesting import Requesting


class Tagging(Requesting):
    """The verb for tags."""

    def put_tags(self, key: str, tags: Mapping[str, str], params: Params) -> None:
        """Replace the tags of an object; no tags delete all. Raises ObjectNotFoundError."""
        if not tags:
            self._call("delete_object_tagging", key, params)
            return
        entries = [{"Key": name, "Value": value} for name, value in tags.items()]
        self._call("put_object_tagging", key, params, Tagging={"TagSet": entries})
