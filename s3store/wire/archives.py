"""The verb that makes an archived object readable. AWS: "RestoreObject"."""

from __future__ import annotations

from typing import Any

from s3store import errors
from s3store.core.parameters import Params
from s3store.wire.requesting import Requesting

_ACCEPTED = 202

# Another class meanwhile, or a tier of INTELLIGENT_TIERING that can be read.
_NOT_ARCHIVED = frozenset({"InvalidObjectState", "ObjectAlreadyInActiveTierError"})


class Archives(Requesting):
    """The verb for archives."""

    def restore(self, key: str, params: Params, *, tier: str, days: int | None) -> str:
        """Ask S3 to make an archived object readable, and return what became of it.

        "begun"; "extended" if a readable copy exists, which S3 now deletes `days` days from now; "under way" if it was
        begun before; "" if the object is not archived. `tier` is "Standard", "Bulk" or "Expedited". `days` is None for
        an object in INTELLIGENT_TIERING. Raises ObjectNotFoundError.
        """
        wanted: dict[str, Any] = {"GlacierJobParameters": {"Tier": tier}}
        if days is not None:
            wanted["Days"] = days
        try:
            with self.changing(key):
                answer = self._call("restore_object", key, params, RestoreRequest=wanted)
        except errors.S3StoreError as error:
            if error.code == "RestoreAlreadyInProgress":
                return "under way"
            if error.code in _NOT_ARCHIVED:
                return ""
            raise
        status = (answer.get("ResponseMetadata") or {}).get("HTTPStatusCode")
        return "begun" if status == _ACCEPTED else "extended"
