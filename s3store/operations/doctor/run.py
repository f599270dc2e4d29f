"""The order of the probes, and what ends an examination."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from django.core.files.storage import storages
from django.urls import reverse
from django.utils.module_loading import import_string

from s3store.core.suggest import did_you_mean
from s3store.operations.doctor import browsing, domains, offline, reaching, removing, subresources, writing
from s3store.operations.doctor.examination import Ended, Examination
from s3store.operations.doctor.findings import Finding, finding
from s3store.operations.doctor.report import Report
from s3store.operations.places import PlaceError
from s3store.operations.project import site_origins
from s3store.operations.reports import Watcher
from s3store.staticfiles.staging import Staged
from s3store.storage import S3Storage


def s3_aliases() -> list[str]:
    """Return the aliases in STORAGES of all S3 storages, and of those whose class cannot be imported."""
    backends: Any = storages.backends
    return [alias for alias, entry in backends.items() if _may_be_s3(entry.get("BACKEND"))]


def _may_be_s3(path: Any) -> bool:
    try:
        backend = import_string(path) if isinstance(path, str) else path
    except ImportError:
        return True
    return isinstance(backend, type) and issubclass(backend, S3Storage)


def examine_alias(alias: str, **how: Any) -> Report:
    """Examine the storage of an alias in STORAGES. A storage that cannot be created is a finding.

    `how` are the other arguments of `examine`. Raises PlaceError for an alias that STORAGES does not have, and for a
    storage that is not an S3Storage.
    """
    known = storages.backends
    if alias not in known:
        names = ", ".join(sorted(known))
        raise PlaceError(f"STORAGES has no alias {alias!r}. {did_you_mean(alias, known, f'The aliases are {names}.')}")
    try:
        storage = storages[alias]
    except Exception as error:  # noqa: BLE001 (whatever the class of a project raises, the others are examined)
        return _unusable(alias, error)
    if not isinstance(storage, S3Storage):
        raise PlaceError(f"STORAGES[{alias!r}] is not an S3Storage, so this command cannot use it.")
    return examine(storage, alias=alias, **how)


_COMMAND = re.compile(r"manage\.py s3 (?:multipart|setup)")


def examine(
    storage: S3Storage,
    *,
    alias: str = "",
    origins: Iterable[str] | None = None,
    watcher: Watcher | None = None,
    clock: Callable[[], float] = time.time,
) -> Report:
    """Examine the bucket of a storage with small requests, and return what they show.

    A healthy private storage takes 16 requests, and 9 more for the settings of the bucket. One object below the
    location is saved and deleted again. `origins` are those of the pages that upload files, such as `https://www.example.com`.
    Default: those that ALLOWED_HOSTS and CSRF_TRUSTED_ORIGINS name. `watcher` is told if the object cannot be deleted.
    Errors of the server are findings, and are not raised.
    """
    began = time.monotonic()
    try:
        if not storage.objects.bucket.over_http:
            return Report(alias=alias, findings=(finding("twin", ""),))
        examined = Examination(
            storage,
            origins=tuple(site_origins() if origins is None else origins),
            uploads=_uploads_are_served(),
            watcher=watcher,
            clock=clock,
        )
    except Exception as error:  # noqa: BLE001 (options and hooks of a project can raise anything)
        return _unusable(alias, error)
    try:
        _run(examined)
    except Ended:
        pass
    finally:
        removing.remove(examined)
    words = examined.common
    return Report(
        alias=alias,
        bucket=examined.bucket,
        prefix=examined.objects.prefix(""),
        endpoint=words.get("endpoint", ""),
        account=examined.account,
        findings=tuple(_about(alias, found) for found in examined.findings),
        passed=tuple(examined.passed),
        requests=len(examined.examiner.sent),
        seconds=time.monotonic() - began,
    )


def _about(alias: str, found: Finding) -> Finding:
    """Return a finding whose commands are about the storage that was examined. Without `--storage` it is `default`."""
    if alias in ("", "default"):
        return found
    return replace(found, action=_COMMAND.sub(lambda match: f"{match[0]} --storage {shlex.quote(alias)}", found.action))


def _run(examined: Examination) -> None:
    """Run the probes in their order. Those that need an object are left out without one."""
    for probe in _FIRST:
        try:
            probe(examined)
        except Ended:
            raise
        except Exception as error:  # noqa: BLE001 (whatever it is, the others would fail too)
            examined.end("unexpected", f"{type(error).__name__}: {error}", request=probe.__name__)
    if not examined.options.anonymous:
        _probe(examined, writing.examine_save)
    if examined.listed.refused:
        reaching.not_listed(examined)
    for probe, needed in _PROBES:
        if needed(examined):
            _probe(examined, probe)


def _probe(examined: Examination, probe: Callable[[Examination], None]) -> None:
    """Run a probe. Whatever it cannot handle is a finding, so that the others run too."""
    try:
        probe(examined)
    except Ended:
        raise
    except Exception as error:  # noqa: BLE001 (a server can respond with anything)
        examined.found("unexpected", f"{type(error).__name__}: {error}", request=probe.__name__)


def _writes(examined: Examination) -> bool:
    return examined.may_write


def _has_object(examined: Examination) -> bool:
    return examined.has_object


def _is_for_visitors(examined: Examination) -> bool:
    # Without the key, nobody can read the object.
    return examined.has_object and "SSECustomerKey" not in examined.accepted


def _uploads(examined: Examination) -> bool:
    return _writes(examined) and _is_for_visitors(examined) and not isinstance(examined.storage, Staged)


def _signed_in(examined: Examination) -> bool:
    return not examined.options.anonymous


_FIRST: tuple[Callable[[Examination], None], ...] = (
    offline.examine_credentials,
    offline.examine_endpoint,
    offline.examine_account,
    reaching.examine_listing,
)

_PROBES: tuple[tuple[Callable[[Examination], None], Callable[[Examination], bool]], ...] = (
    (writing.examine_read, _has_object),
    (writing.examine_condition, _writes),
    (writing.examine_missing, _signed_in),
    (browsing.examine_signed_url, _is_for_visitors),
    (browsing.examine_anonymous, _is_for_visitors),
    (browsing.examine_uploads, _uploads),
    (domains.examine_domain, _is_for_visitors),
    (removing.examine_parts, _writes),
    (removing.examine_delete, _writes),
    (subresources.examine_settings, _signed_in),
)


def _unusable(alias: str, error: Exception) -> Report:
    shown = repr(alias) if alias else ""
    return Report(alias=alias, findings=(finding("settings-invalid", str(error), alias=shown),))


def _uploads_are_served() -> bool:
    """Return whether the project serves the endpoints of direct uploads."""
    try:
        reverse("s3store:begin")
    except Exception:  # noqa: BLE001 (whatever the URLs of a project raise)
        return False
    return True
