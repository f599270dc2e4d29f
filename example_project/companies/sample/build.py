"""Writes the sample data: files into the bucket, then rows. Run again, it changes nothing."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone as clock
from files import operations

from companies.models import Company, Invitation, Membership, VerifiedEmail
from companies.sample import cast
from companies.sample.drawing import encoded, logo
from companies.sample.history import add_history
from companies.sample.trees import DELETED, files_of
from companies.tokens import hash_of, make_token
from s3store.folders import Folder
from s3store.sharing import email_key

THREADS = 16


def build(clients: Iterable[cast.Client] = cast.CLIENTS, *, now: datetime | None = None) -> int:
    """Create what is missing. Return the number of files that were written: 0 if everything was there."""
    now = now or clock.now()
    staff = [_account(person, cast.DOMAIN, is_staff=True) for person in cast.STUDIO]
    written = 0
    for client in clients:
        if not Company.objects.filter(slug=client.slug).exists():
            written += _build_company(client, staff, now)
    return written


def _build_company(client: cast.Client, staff: list[Any], now: datetime) -> int:
    prefix = f"companies/{client.slug}-sample/"
    files, size = _write(prefix, client)
    with transaction.atomic():
        company = Company(
            name=client.name,
            slug=client.slug,
            prefix=prefix,
            quota=client.quota or int(size * 1.06),
            bytes_used=size,
            files_count=files,
            counted_at=now,
            created_at=datetime(2025, 9, 1, 8, tzinfo=timezone.utc),
        )
        company.full_clean(exclude=["logo"])
        mark = encoded(logo(sum(client.colour), client.colour), "logo.png")
        company.logo.save(f"{client.slug}.png", ContentFile(mark), save=False)
        company.save()
        people = []
        for number, person in enumerate(client.people):
            user = _account(person, client.domain)
            since = company.created_at + timedelta(days=9 * number, hours=number)
            Membership.objects.create(company=company, user=user, role=person.role, created_at=since)
            people.append(user)
        _invite(company, people[0], now)
        add_history(company, people, staff, now)
    if client.slug in DELETED:
        operation = operations.start(company, people[0], "delete", [DELETED[client.slug]])
        operations.run(operation, people[0], seconds=60)
    return files


def _write(prefix: str, client: cast.Client) -> tuple[int, int]:
    """Write the files and the markers of all folders. Return the number of files, and their bytes.

    Files that were written by a run that was interrupted are replaced.
    """
    folder = Folder(default_storage, prefix)
    contents, folders = {}, set()
    for path, make in files_of(client):
        parts = path.rstrip("/").split("/")
        folders.update("/".join(parts[:depth]) for depth in range(1, len(parts) + path.endswith("/")))
        if not path.endswith("/"):
            contents[path] = make

    def put(path: str) -> int:
        content = contents[path]()
        folder.save(path, ContentFile(content), overwrite=True)
        return len(content)

    # A server that keeps folders as directories takes a file of the same name only before the folder.
    first = [path for path in contents if path in folders]
    with ThreadPoolExecutor(THREADS) as pool:
        sizes = list(pool.map(put, first))
        sizes += pool.map(put, [path for path in contents if path not in folders])
        list(pool.map(lambda path: default_storage.create_folder(prefix + path), sorted(folders - set(first))))
    if not contents:
        default_storage.create_folder(prefix)
    return len(sizes), sum(sizes)


@cache
def _hashed_password() -> str:
    """Return the hash of the password that all accounts have: each hash takes 0.3 s."""
    return make_password(cast.PASSWORD)


def _account(person: cast.Person, domain: str, *, is_staff: bool = False) -> Any:
    address = f"{person.local}@{domain}"
    users = get_user_model().objects
    user = users.filter(username=email_key(address)).first()
    if user is None:
        user = users.create(
            username=email_key(address),
            email=address,
            password=_hashed_password(),
            first_name=person.first,
            last_name=person.last,
            is_staff=is_staff,
            is_superuser=is_staff and person is cast.STUDIO[0],
        )
        VerifiedEmail.objects.create(user=user, email=address, email_key=email_key(address))
    return user


def _invite(company: Company, owner: Any, now: datetime) -> None:
    """Add two invitations that nobody accepted; one has expired. Nobody knows their tokens."""
    domain = owner.email.partition("@")[2]
    for local, days in (("mira", 9), ("old.intern", -20)):
        Invitation.objects.create(
            company=company,
            email=f"{local}@{domain}",
            email_key=email_key(f"{local}@{domain}"),
            token_hash=hash_of(make_token()),
            invited_by=owner,
            created_at=now + timedelta(days=days - 14),
            expires_at=now + timedelta(days=days),
        )
