"""Counters with a time: they limit tries in all processes, because they are rows of the database."""

from __future__ import annotations

import math
import time
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import F, Min, Q, Sum
from django.utils.crypto import salted_hmac

_STEPS = 30
"""The windows that a period has. A period ends up to one window late."""

_SALT = "s3store.sharing.attempt"


class Attempt(models.Model):
    """How often something was tried within one short window of time. A limit adds up the windows of a period.

    `key` is a keyed hash: the row shows neither a network nor a share. `window` is in seconds since 1970.
    """

    key = models.CharField(max_length=64)
    window = models.BigIntegerField()
    count = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "window"], name="s3store_sharing_attempt_window")]
        indexes = [models.Index(fields=["window"], name="s3store_sharing_attempt_age")]

    def __str__(self) -> str:
        return f"{self.key[:8]}: {self.count}"

    @classmethod
    def take(cls, what: str, *, limit: int, seconds: int, by: int = 1) -> int:
        """Count `by` tries of `what`, and return 0, or the seconds to wait if there were more than `limit`.

        `seconds` is the period. The count comes before the check, so that two requests at once cannot both be the last
        one that is allowed. A refused try does not count.
        """
        cls._add(what, seconds, by)
        wait = cls._wait(what, limit, seconds)
        if wait:
            cls.give_back(what, seconds=seconds, by=by)
        return wait

    @classmethod
    def wait(cls, what: str, *, limit: int, seconds: int) -> int:
        """Return 0, or the seconds to wait if the `limit` tries of the last `seconds` are used up. Counts nothing."""
        return cls._wait(what, limit - 1, seconds)

    @classmethod
    def left(cls, what: str, *, limit: int, seconds: int) -> int:
        """Return how many of the `limit` tries of the last `seconds` are left."""
        return max(0, limit - (cls._recent(what, seconds)["tries"] or 0))

    @classmethod
    def _wait(cls, what: str, most: int, seconds: int) -> int:
        found = cls._recent(what, seconds)
        if (found["tries"] or 0) <= most or found["first"] is None:
            return 0
        return max(1, math.ceil(found["first"] + seconds + seconds / _STEPS - time.time()))

    @classmethod
    def _recent(cls, what: str, seconds: int) -> dict[str, Any]:
        oldest = time.time() - seconds - seconds / _STEPS
        recent = cls.objects.filter(key=_key(what), window__gt=oldest)
        return recent.aggregate(tries=Sum("count"), first=Min("window", filter=Q(count__gt=0)))

    @classmethod
    def give_back(cls, what: str, *, seconds: int, by: int = 1) -> None:
        """Take back what `take` has counted: the try was a good one."""
        cls._add(what, seconds, -by)

    @classmethod
    def _add(cls, what: str, seconds: int, by: int) -> None:
        step = max(1, seconds // _STEPS)
        place = {"key": _key(what), "window": int(time.time()) // step * step}
        if cls.objects.filter(**place).update(count=F("count") + by):
            return
        try:
            with transaction.atomic():
                cls.objects.create(**place, count=by)
        except IntegrityError:
            # Another request has created the row meanwhile.
            cls.objects.filter(**place).update(count=F("count") + by)


def _key(what: str) -> str:
    return salted_hmac(_SALT, what, algorithm="sha256").hexdigest()
