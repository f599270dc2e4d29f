"""A clock that stands still, for our signatures and for botocore's."""

from __future__ import annotations

import types
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

import botocore.auth
import pytest


class _Frozen(datetime):
    moment = 0

    @classmethod
    def utcnow(cls) -> Any:
        return datetime.fromtimestamp(cls.moment, timezone.utc).replace(tzinfo=None)


@contextmanager
def standing_at(moment: float) -> Iterator[None]:
    """Let `moment`, in seconds since 1970, be now where URLs are signed."""
    ours = types.SimpleNamespace(time=lambda: moment)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("linked", "presigned", "cloudfront"):
            patch.setattr(f"s3store.mixins.{module}.time", ours)
        if hasattr(botocore.auth, "get_current_datetime"):
            patch.setattr(
                botocore.auth,
                "get_current_datetime",
                lambda **_: datetime.fromtimestamp(int(moment), timezone.utc).replace(tzinfo=None),
            )
        else:
            clock = type("Clock", (_Frozen,), {"moment": int(moment)})
            patch.setattr(botocore.auth, "datetime", types.SimpleNamespace(datetime=clock))
        yield
