"""Counters, and the space that uploads reserve before they begin."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Sum
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _

from companies.models import Company, Reservation
from companies.sizes import readable_size
from s3store.folders import Folder

RESERVED_FOR = timedelta(hours=24)


class QuotaExceededError(Exception):
    """The company has too little space. `str()` is a sentence for people."""

    def __init__(self, *, needed: int, left: int, quota: int) -> None:
        self.needed, self.left, self.quota = needed, left, quota
        super().__init__(
            _(
                "Not uploaded: %(needed)s needed, %(left)s left of %(quota)s. "
                "Delete files or ask Studio Fern for more space."
            )
            % {"needed": readable_size(needed), "left": readable_size(left), "quota": readable_size(quota)}
        )


def reserve(company: Company, size: int, *, user: Any = None, lifetime: timedelta = RESERVED_FOR) -> Reservation:
    """Reserve *size* bytes before an upload begins. Raises QuotaExceededError if they are not left.

    Two uploads cannot reserve the same bytes: the row of the company is locked until the reservation is stored.
    """
    with transaction.atomic():
        locked = Company.objects.select_for_update().get(pk=company.pk)
        left = max(0, locked.quota - locked.bytes_used - reserved(locked))
        if size > left:
            raise QuotaExceededError(needed=size, left=left, quota=locked.quota)
        return Reservation.objects.create(
            company=locked, bytes=size, created_by=user, expires_at=timezone.now() + lifetime
        )


def reserved(company: Company) -> int:
    """Return the bytes that uploads in progress have reserved."""
    live = Reservation.objects.filter(company=company, expires_at__gt=timezone.now())
    return live.aggregate(total=Sum("bytes"))["total"] or 0


def settle(reservation: Reservation | UUID | str, size: int, *, files: int = 1) -> None:
    """Turn a reservation into used space, when its upload has arrived with *size* bytes."""
    pk = reservation.pk if isinstance(reservation, Reservation) else reservation
    with transaction.atomic():
        found = Reservation.objects.select_for_update().filter(pk=pk).first()
        if found is None:  # settled by another request, or expired and removed
            return
        found.delete()
        adjust(found.company, size, files)


def release(reservation: Reservation | UUID | str) -> None:
    """Give reserved space back: the upload failed or was cancelled."""
    pk = reservation.pk if isinstance(reservation, Reservation) else reservation
    Reservation.objects.filter(pk=pk).delete()


def adjust(company: Company, size: int, files: int = 0) -> None:
    """Add to the counters of a company, or take from them: they change with each of the portal's own writes."""
    Company.objects.filter(pk=company.pk).update(
        bytes_used=Greatest(F("bytes_used") + size, 0), files_count=Greatest(F("files_count") + files, 0)
    )


def count_again(company: Company) -> None:
    """Count the files in the bucket, and correct the counters: other programs can write there, too."""
    usage = Folder(default_storage, company.prefix).usage()
    Company.objects.filter(pk=company.pk).update(
        bytes_used=usage.bytes, files_count=usage.files, counted_at=timezone.now()
    )
    Reservation.objects.filter(company=company, expires_at__lte=timezone.now()).delete()
