"""What a member does with chosen files: the form around the list, new folders, new names, deletion."""

from django.core.exceptions import SuspiciousFileOperation
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from files import archives, shares, transfers
from files.access import in_company
from files.answers import back, done, fail, folder_url, operated, page, wants_json
from files.lookalikes import refuse_look_alike
from files.operations import BusyError, run, start
from files.problems import name_of, problem
from files.recording import record
from files.selections import joined, selected


@in_company("POST")
def selection(request: HttpRequest, access) -> HttpResponseBase:
    """Do what the pressed button of the form around the list says. Each button has a view of its own."""
    views = {
        "download": archives.archive,
        "move": transfers.move,
        "copy": transfers.copy,
        "delete": delete,
        "rename": rename,
        "share": shares.share,
    }
    view = views.get(request.POST.get("action", ""))
    paths, folder_path = selected(request)
    if view is None or not paths:
        return fail(request, _("Choose files or folders first."), folder_url(access, folder_path))
    return view(request, access.company.slug)


@in_company("GET", "HEAD", "POST")
def new_folder(request: HttpRequest, access) -> HttpResponseBase:
    """Ask for the name of a new folder, or create it."""
    _paths, folder_path = selected(request)
    name = request.POST.get("name", "").strip()
    to = folder_url(access, folder_path)
    text = ""
    if request.method == "POST":
        try:
            refuse_path(name)
            refuse_look_alike(access.folder, joined(folder_path, name), _("“%(name)s” is already in this folder."))
            made = access.folder.create_folder(joined(folder_path, name))
        except (OSError, ValueError, SuspiciousFileOperation) as error:
            text = problem(error)
        else:
            record(request, access, "uploaded", made, folder=True)
            said = _("Folder “%(name)s” created.") % {"name": name}
            return done(request, said, to, path=made, url=folder_url(access, made.rstrip("/")))
    if wants_json(request):
        return fail(request, text, to)
    context = {"folder_path": folder_path, "here": to, "name": name, "problem": text}
    return page(request, access, "files/new_folder.html", context, status=400 if text else 200)


@in_company("GET", "HEAD", "POST")
def rename(request: HttpRequest, access) -> HttpResponseBase:
    """Ask for the new name of a file or folder, or rename it."""
    paths, folder_path = selected(request)
    if len(paths) != 1:
        return fail(request, _("Choose one file or folder to rename it."), folder_url(access, folder_path))
    path, name, text = paths[0], request.POST.get("name"), ""
    parent, _slash, old = path.rstrip("/").rpartition("/")
    to = back(request, access, parent)
    if name is not None:
        try:
            refuse_path(name)
            if name == old:
                return done(request, _("The name is the same as before."), to, path=path)
            text = _("“%(name)s” is already in this folder.")
            refuse_look_alike(access.folder, joined(parent, name), text, beside=path)
            operation = start(access.company, request.user, "move", [path], parent, name=name, rename=True)
            return operated(request, access, run(operation, request.user), to)
        except (BusyError, OSError, ValueError, SuspiciousFileOperation) as error:
            text = problem(error)
    else:
        access.folder.stat(path)
    if wants_json(request):
        return fail(request, text, to)
    shown = old if name is None else name
    context = {"path": path, "folder_path": folder_path, "old": old, "name": shown, "here": to, "problem": text}
    return page(request, access, "files/rename.html", context, status=400 if text else 200)


@in_company("POST")
def delete(request: HttpRequest, access) -> HttpResponseBase:
    """Delete files and folders. They can be restored: from the bar, and from the activity."""
    paths, folder_path = selected(request)
    to = back(request, access, folder_path)
    if not paths:
        return fail(request, _("Choose files or folders first."), to)
    if not access.may_delete:
        return fail(request, problem(PermissionError()), to, status=403)
    if any(f"{folder_path}/".startswith(f"{path.rstrip('/')}/") for path in paths):
        # The page of a folder that was deleted does not exist.
        to = folder_url(access, paths[0].rstrip("/").rpartition("/")[0])
    try:
        operation = run(start(access.company, request.user, "delete", paths), request.user)
    except (BusyError, OSError, SuspiciousFileOperation) as error:
        return fail(request, problem(error), to, status=409)
    return operated(request, access, operation, to)


def refuse_path(name: str) -> None:
    """Raise ValueError for a name that is a path, or empty."""
    if not name.strip() or "/" in name or name_of(name) in (".", ".."):
        raise ValueError(_("Enter a name without slashes."))
