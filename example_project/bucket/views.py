"""The page about the bucket, for the staff: the report of doctor, the plan of setup, and its documents."""

import json
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage, storages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from s3store.errors import S3StoreError
from s3store.local import FakeS3Storage
from s3store.operations.doctor import Report, examine_alias, s3_aliases
from s3store.operations.setup import (
    Change,
    Plan,
    SetupError,
    Wishes,
    plan,
    wanted_cors,
    wanted_iam,
    wanted_lifecycle,
    wanted_policy,
)
from s3store.storage import S3Storage

# The pages load scripts and styles from there.
WISHES = Wishes(public_prefixes=("static/",))


def shown(change: Change) -> dict[str, Any]:
    """Return a change with its values as JSON."""
    before = "" if change.before is None else json.dumps(change.before, indent=2)
    return {"change": change, "before": before, "after": json.dumps(change.after, indent=2)}


def documents(storage: S3Storage) -> list[dict[str, Any]]:
    """Return the documents of setup: title, command, and JSON. No request."""
    wanted = {
        "iam": (_("Permissions of the site"), wanted_iam(storage, WISHES)),
        "policy": (_("Bucket policy"), [statement for statement, _why in wanted_policy(storage, WISHES)]),
        "cors": (_("CORS rule"), [rule for rule, _why in wanted_cors(storage, WISHES)]),
        "lifecycle": (_("Lifecycle rules"), [rule for rule, _why in wanted_lifecycle(storage, WISHES)]),
    }
    return [
        {"title": title, "option": f"--print-{name}", "text": json.dumps(document, indent=2)}
        for name, (title, document) in wanted.items()
    ]


def planned(storage: S3Storage) -> tuple[Plan | None, str]:
    """Return the plan, or the reason for which there is none. Sends only reads."""
    try:
        return plan(storage, wishes=WISHES), ""
    except (SetupError, S3StoreError) as error:
        return None, str(error)


def examined(request: HttpRequest) -> list[Report]:
    """Return what ``manage.py s3 doctor --all`` finds. Uploads come from pages of this site."""
    origin = request.build_absolute_uri("/").rstrip("/")
    return [examine_alias(alias, origins=[origin]) for alias in s3_aliases()]


@login_required
def bucket_page(request: HttpRequest) -> HttpResponse:
    """Show the page to the staff. For others it does not exist."""
    if not request.user.is_staff:
        raise Http404
    context: dict[str, Any] = {"twin": isinstance(storages["default"], FakeS3Storage)}
    if request.method == "POST" and not context["twin"]:
        context["reports"] = examined(request)
    if not context["twin"]:
        found, problem = planned(default_storage)
        context |= {
            "bucket": default_storage.bucket_name,
            "plan": found,
            "problem": problem,
            "changes": [shown(change) for change in found.changes] if found else [],
            "documents": documents(default_storage),
        }
    response = render(request, "bucket/bucket.html", context)
    response.headers["Cache-Control"] = "private, no-store"
    return response
