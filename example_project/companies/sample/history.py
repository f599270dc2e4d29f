"""The shares, the log and the deletions of the sample data. Dates are spread over 14 months; the links are unknown."""

import random
from datetime import datetime, timedelta
from typing import Any

from companies.models import Company, Role
from companies.sample import cast
from companies.sample.trees import files_of
from companies.tokens import hash_of, make_token
from s3store.sharing import AccessLog, Share

SEED = 7
SHARE_PASSWORD = "harbour-21"  # noqa: S105 - sample data
_NETWORKS = ("198.51.100.0/24", "203.0.113.0/24", "2001:db8:4::/48")
_AGENTS = ("Firefox", "Chrome", "Safari", "Edge")

# path, address, what is special about it
_SHARES: dict[str, tuple[tuple[str, str, str], ...]] = {
    cast.NORDLICHT.slug: (
        ("offer.pdf", cast.PRINTER, "password"),
        ("2026/Photos", cast.PRINTER, ""),
        ("2026/Plans", "mara@statik-buero.example", "edit"),
        ("Film", "press@sonnenblatt.example", "expired"),
        ("2026/Offers/offer-01.pdf", "kunde@schule-am-hang.example", "stopped"),
        ("2026/Offers/offer-02.pdf", "kunde@schule-am-hang.example", "used_up"),
        ("Notes/Welcome.md", "tom@nordlicht-solar.example", ""),
    ),
    cast.HARBOUR.slug: (
        ("Menus", cast.PRINTER, "edit"),
        ("Menu photos", "desk@coastmagazine.example", ""),
        ("Invoices/HK-001.pdf", "tax@ledger.example", "expired"),
    ),
    cast.AGUILA.slug: (
        ("Carta/Carta.md", cast.PRINTER, "password"),
        ("Fotos", "lena@nordlicht-solar.example", ""),
    ),
    cast.LINDQVIST.slug: (
        ("Matters/Estate of Obi", "court@registry.example", "used_up"),
        ("Archive", "auditor@ledger.example", "stopped"),
    ),
}


def dates(count: int, now: datetime, *, seed: int = SEED) -> list[datetime]:
    """Return *count* dates in the last 14 months, the newest first."""
    chance = random.Random(seed)  # noqa: S311
    return sorted((now - timedelta(minutes=chance.randrange(2, 60 * 24 * 425)) for _ in range(count)), reverse=True)


def add_history(company: Company, people: list[Any], staff: list[Any], now: datetime) -> None:
    """Add the rows of a company: shares and what happened to them, and a log of uploads, views and downloads."""
    chance = random.Random(f"7 {company.slug}")  # noqa: S311
    paths = [path for path, _ in files_of(next(each for each in cast.CLIENTS if each.slug == company.slug))]
    paths = [path for path in paths if not path.endswith("/") and "Inverter log" not in path]
    writers = [user for user, person in zip(people, _people(company), strict=True) if person.role != Role.VIEWER]
    rows = []
    for path, address, special in _SHARES.get(company.slug, ()):
        rows += _share(company, path, address, special, writers[len(rows) % len(writers)], now, chance)
    if paths:
        rows += _accesses(company, paths, writers, people, staff, now, chance)
    rows.append(_row(company, "uploaded", "", staff[0], company.created_at, detail={"count": 0}))
    for row in sorted(rows, key=lambda row: row.at):
        row.save()


def _people(company: Company) -> tuple[cast.Person, ...]:
    return next(each.people for each in cast.CLIENTS if each.slug == company.slug)


def _share(
    company: Company, path: str, address: str, special: str, creator: Any, now: datetime, chance: random.Random
) -> list[AccessLog]:
    since = now - timedelta(days=chance.randrange(2, 12), hours=chance.randrange(20))
    until = now + timedelta(days=chance.randrange(3, 28))
    if special in ("expired", "stopped"):
        since -= timedelta(days=60)
    if special == "expired":
        until = since + timedelta(days=14)
    share = Share(
        root=company.prefix,
        path=path,
        is_folder="." not in path.rpartition("/")[2],
        email=address,
        can_edit=special == "edit",
        token_hash=hash_of(make_token()),
        expires_at=until,
        max_downloads=3 if special == "used_up" else None,
        downloads=3 if special == "used_up" else chance.randrange(4),
        message="Prices as discussed." if special == "password" else "",
        created_by=creator,
        created_at=since,
        revoked_at=since + timedelta(days=3) if special == "stopped" else None,
    )
    if special == "password":
        share.set_password(SHARE_PASSWORD)
    share.save(force_insert=True)
    rows = [_row(company, "shared", path, creator, since, share=share, detail={"renewed": False})]
    for number in range(share.downloads):
        at = since + (min(until, now) - since) * (number + 1) / (share.downloads + 1)
        for action, minutes in (("opened", 0), ("downloaded", 2)):
            row = _row(company, action, path, None, at + timedelta(minutes=minutes), share=share)
            row.actor, row.network, row.agent = f"guest of {address}", chance.choice(_NETWORKS), chance.choice(_AGENTS)
            rows.append(row)
    if share.revoked_at:
        rows.append(_row(company, "revoked", path, creator, share.revoked_at, share=share))
    return rows


def _accesses(
    company: Company,
    paths: list[str],
    writers: list[Any],
    people: list[Any],
    staff: list[Any],
    now: datetime,
    chance: random.Random,
) -> list[AccessLog]:
    """Every file was uploaded by somebody, and some were opened, downloaded or moved later."""
    rows = []
    for path, at in zip(paths, dates(len(paths), now, seed=len(paths)), strict=True):
        writer = staff[0] if path.endswith((".jpg", ".pdf", ".png", ".webp", ".webm")) else chance.choice(writers)
        rows.append(_row(company, "uploaded", path, writer, max(at, company.created_at), chance=chance))
    for at in dates(30, now, seed=len(paths) + 1):
        action = chance.choice(["viewed", "viewed", "downloaded"])
        rows.append(
            _row(
                company, action, chance.choice(paths), chance.choice(people), max(at, company.created_at), chance=chance
            )
        )
    return rows


def _row(
    company: Company,
    action: str,
    path: str,
    user: Any,
    at: datetime,
    *,
    share: Share | None = None,
    detail: dict[str, Any] | None = None,
    chance: random.Random | None = None,
) -> AccessLog:
    return AccessLog(
        action=action,
        root=company.prefix,
        path=path,
        user=user,
        actor=user.get_full_name() if user else "",
        share=share,
        at=at,
        network=chance.choice(_NETWORKS) if chance else "",
        agent=chance.choice(_AGENTS) if chance else "",
        detail=detail or {},
    )
