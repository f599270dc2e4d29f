"""Uploads that have arrived: a receipt is exchanged for a file in a folder of the company."""

from contextlib import suppress

from companies.quota import QuotaExceededError, adjust, release, reserve
from django.core.exceptions import SuspiciousFileOperation
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from files.access import in_company
from files.answers import back, done, fail
from files.lookalikes import LookAlikeError, free_path, look_alike
from files.problems import name_of, problem
from files.recording import record
from files.selections import joined, selected
from files.thumbnails import draw
from files.uploads import destination_of, label_of, release_upload
from s3store import errors
from s3store.uploads import UploadRefusedError, check_sent, claim, owner_of

_CONFLICTS = {"replace": {"overwrite": True}, "keep_both": {"keep_both": True}}
MOST_FOLDERS = 1000


@in_company("POST")
def arrived(request: HttpRequest, access) -> HttpResponseBase:
    """Put an upload into a folder. `path` is its path in that folder: the file's name, below dropped folders.

    The receipt works only for the member who uploaded the file, and only for this company.
    """
    label, destination = label_of(access.company), destination_of(access.company)
    folder_path = request.POST.get("folder", "")
    try:
        file = claim(request.POST.get("receipt"), label=label, destination=destination, owner=owner_of(request))
    except UploadRefusedError as refusal:
        return fail(request, str(refusal), status=refusal.status, code=refusal.code)
    path = joined(folder_path, request.POST.get("path") or file.name)
    size, key = file.size, file._info.key
    try:
        conflict = _CONFLICTS.get(request.POST.get("conflict", ""), {})
        path = _beside(access.folder, path, conflict)
        replaced = _size_of(access.folder, path) if "overwrite" in conflict else None
        stored = access.folder.save(path, file, **conflict)
    except (FileExistsError, LookAlikeError) as error:
        text = _("“%(name)s” is already in this folder.") % {"name": name_of(getattr(error, "path", path))}
        return fail(request, text, status=409, code="exists")
    except (OSError, ValueError, SuspiciousFileOperation) as error:
        return fail(request, problem(error), status=409, code="refused")
    with suppress(errors.S3StoreError):
        # The file is in its folder. If the upload cannot be deleted, the lifecycle rule of the bucket does it.
        file.discard()
    release_upload(key)
    adjust(access.company, size - (replaced or 0), 1 if replaced is None else 0)
    record(request, access, "uploaded", stored, size=size)
    draw(access.folder, stored)
    return done(request, _("“%(name)s” uploaded.") % {"name": name_of(stored)}, "", path=stored)


@in_company("POST")
def folders(request: HttpRequest, access) -> HttpResponseBase:
    """Create the folders of a dropped folder, so that empty ones are there too and none vanishes with its last file."""
    folder_path = request.POST.get("folder", "")
    made = []
    for path in request.POST.getlist("paths")[:MOST_FOLDERS]:
        try:
            made.append(access.folder.create_folder(joined(folder_path, path)))
        except FileExistsError:
            continue
        except (OSError, ValueError, SuspiciousFileOperation) as error:
            return fail(request, problem(error), status=409)
    return done(request, "", "", made=made)


@in_company("POST")
def through_django(request: HttpRequest, access) -> HttpResponseBase:
    """Upload files without JavaScript: Django sends them on to the bucket. A taken name gets a number."""
    _paths, folder_path = selected(request)
    to = back(request, access, folder_path)
    destination = destination_of(access.company)
    files = request.FILES.getlist("files")
    stored = []
    for file in files:
        try:
            check_sent(file, destination)
            reservation = reserve(access.company, file.size, user=request.user)
        except QuotaExceededError as refusal:
            return fail(request, str(refusal), to)
        except UploadRefusedError as refusal:
            return fail(request, f"{file.name}: {refusal}", to)
        try:
            path = _beside(access.folder, joined(folder_path, file.name), _CONFLICTS["keep_both"])
            stored.append(access.folder.save(path, file, keep_both=True))
        except (OSError, ValueError, SuspiciousFileOperation) as error:
            return fail(request, f"{file.name}: {problem(error)}", to)
        finally:
            release(reservation)
        adjust(access.company, file.size, 1)
        record(request, access, "uploaded", stored[-1], size=file.size)
        draw(access.folder, stored[-1])
    if not files:
        return fail(request, _("Choose files first."), to)
    text = ngettext("%(count)d file uploaded.", "%(count)d files uploaded.", len(stored)) % {"count": len(stored)}
    return done(request, text, to)


def _beside(folder, path: str, conflict: dict) -> str:
    """Return the path for a new file where a name in the folder looks like its own. Raises LookAlikeError.

    To replace is to replace the file that is there. To keep both is to give the new one a number.
    """
    other = look_alike(folder, path)
    if other is None:
        return path
    if "overwrite" in conflict:
        return other
    if "keep_both" in conflict:
        return free_path(folder, path)
    raise LookAlikeError("", other)


def _size_of(folder, path: str) -> int | None:
    """Return the size of the file that is replaced, or None if there is none."""
    try:
        return folder.stat(path).size
    except FileNotFoundError:
        return None
