"""Moving and copying: the dialog with the tree of folders, and the question when a name is taken."""

from companies.quota import QuotaExceededError
from django.core.exceptions import SuspiciousFileOperation
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from files.access import in_company
from files.answers import back, fail, folder_url, operated, page, wants_fragment
from files.operations import BusyError, run, start
from files.people import outsiders
from files.problems import name_of, problem
from files.rows import crumbs
from files.selections import selected

_MERGES = ("keep_both", "replace", "skip")
_FOLDERS = 200


def move(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Move files and folders."""
    return transfer(request, slug, verb="move")


def copy(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Copy files and folders."""
    return transfer(request, slug, verb="copy")


@in_company("GET", "HEAD", "POST")
def transfer(request: HttpRequest, access, verb: str) -> HttpResponseBase:
    """Ask where the chosen files go, or move or copy them there."""
    paths, folder_path = selected(request)
    if not paths:
        return fail(request, _("Choose files or folders first."), folder_url(access, folder_path))
    target = request.POST.get("target")
    if target is None or "look" in request.POST:
        return _dialog(request, access, verb, paths, folder_path)
    try:
        _refuse_inside(paths, target)
        merge = request.POST.get("merge", "")
        chosen = {"merge": merge} if merge in _MERGES else {}
        operation = run(start(access.company, request.user, verb, paths, target, **chosen), request.user)
    except FileExistsError as error:
        return _dialog(request, access, verb, paths, folder_path, taken=error, target=target, status=409)
    except (BusyError, QuotaExceededError, OSError, ValueError, SuspiciousFileOperation) as error:
        return _dialog(request, access, verb, paths, folder_path, text=problem(error), target=target, status=409)
    return operated(request, access, operation, back(request, access, folder_path))


def _refuse_inside(paths: list[str], target: str) -> None:
    for path in paths:
        if f"{target.rstrip('/')}/".startswith(f"{path.rstrip('/')}/"):
            raise ValueError(_("“%(name)s” cannot go into itself.") % {"name": name_of(path)})


def _dialog(
    request: HttpRequest, access, verb: str, paths, folder_path, *, taken=None, text="", target=None, status=200
) -> HttpResponseBase:
    """Show one level of the tree: the folders in `look`, as radio buttons, each with a way into it."""
    looked = request.POST.get("look") if "look" in request.POST else request.GET.get("look")
    level = (looked if looked is not None else target if target is not None else folder_path).rstrip("/")
    found = access.folder.list(level, size=_FOLDERS)
    folders = [
        {"entry": entry, "is_source": entry.path in paths, "shown": entry.shown}
        for entry in found.entries
        if entry.is_folder
    ]
    context = {
        "verb": verb,
        "names": paths,
        "first": name_of(paths[0]),
        "folder_path": folder_path,
        "here": folder_url(access, folder_path),
        "level": level,
        "level_name": name_of(level),
        "above": level.rpartition("/")[0] if level else None,
        "crumbs": crumbs(access, level),
        "folders": folders,
        "is_same": verb == "move" and all(path.rstrip("/").rpartition("/")[0] == level for path in paths),
        "taken": _name_taken(taken, paths) if taken else "",
        "problem": text,
        "warning": _warning(access, level),
    }
    template = "files/_tree.html" if wants_fragment(request) == "tree" else "files/transfer.html"
    return page(request, access, template, context, status=status)


def _name_taken(error: FileExistsError, paths: list[str]) -> str:
    return name_of(str(error.filename)) if error.filename else name_of(paths[0])


def _warning(access, target: str) -> str:
    """Return who outside the company sees what is moved into a folder."""
    count = outsiders(access, target)
    if not count:
        return ""
    return ngettext(
        "%(count)d person outside the company can open “%(name)s” and will see these files.",
        "%(count)d people outside the company can open “%(name)s”. They will see these files.",
        count,
    ) % {"count": count, "name": name_of(target)}
