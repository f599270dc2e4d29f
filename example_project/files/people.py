"""What the database knows about files: who changed them last, whether that is new, and who outside can open them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from companies.models import Membership
from django.db.models import Count
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from s3store.sharing import AccessLog, Share, path_hash

_WRITES = ("uploaded", "moved", "restored")
_SESSION = "files_seen"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known about one file or folder."""

    changed_by: str = ""
    is_new: bool = False
    shares: int = 0


def people_of(access, paths: Iterable[str], request: HttpRequest) -> dict[str, Facts]:
    """Return what is known about paths: two queries for all of them."""
    root = access.folder.full_root
    hashes = {path_hash(root, path.rstrip("/")): path for path in paths}
    if not hashes:
        return {}
    seen = last_visit(request, access.company)
    rows = AccessLog.objects.filter(root=root, path_hash__in=hashes, action__in=_WRITES).order_by("at", "id")
    changes = {each.path_hash: each for each in rows}
    live = Share.objects.live().filter(root=root, path_hash__in=hashes)
    shares = dict(live.order_by().values_list("path_hash").annotate(Count("pk")))
    known = {}
    for digest, path in hashes.items():
        change = changes.get(digest)
        known[path] = Facts(
            changed_by=change.actor if change else "",
            is_new=bool(change and seen and change.at > seen and change.user_id != request.user.pk),
            shares=shares.get(digest, 0),
        )
    return known


def outsiders(access, path: str) -> int:
    """Return how many people outside the company can open a folder: by a share of it, or of a folder above it."""
    live = Share.objects.live().for_path(access.folder, path)
    return live.values("email_key").distinct().count()


def last_visit(request: HttpRequest, company) -> datetime | None:
    """Return when this member was here before this session, or None. It stays the same during a session."""
    known = request.session.setdefault(_SESSION, {})
    key = str(company.pk)
    if key not in known:
        membership = Membership.objects.filter(company=company, user=request.user).first()
        before = membership.seen_at if membership else None
        known[key] = before.isoformat() if before else ""
        request.session.modified = True
        if membership:
            Membership.objects.filter(pk=membership.pk).update(seen_at=timezone.now())
    return parse_datetime(known[key]) if known[key] else None
