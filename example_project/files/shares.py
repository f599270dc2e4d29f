"""The dialog that shares a file or folder with an e-mail address."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from files.access import in_company
from files.answers import fail, folder_url, page
from files.selections import selected
from s3store.sharing import Share, ShareLimitError, create
from s3store.sharing.forms import ShareForm


@in_company("GET", "HEAD", "POST")
def share(request: HttpRequest, access) -> HttpResponseBase:
    """Ask who gets access to a file or folder, or give it. The link is shown once."""
    paths, folder_path = selected(request)
    if len(paths) != 1:
        return fail(request, _("Choose one file or folder to share it."), folder_url(access, folder_path))
    if not access.may_share:
        raise PermissionDenied
    entry = access.folder.stat(paths[0])
    path = entry.path.rstrip("/")
    sent = request.method == "POST" and "share" in request.POST
    form = ShareForm(request.POST if sent else None)
    # The labels of this page already say what is optional.
    form.fields["password"].help_text = _("Tell it to them in another way than by mail.")
    form.fields["max_downloads"].help_text = ""
    made, link = None, ""
    if sent and form.is_valid():
        made, link = _made(request, access, path, form)
    context = {
        "entry": entry,
        "path": entry.path,
        "folder_path": folder_path,
        "here": folder_url(access, folder_path),
        "form": form,
        "share": made,
        "link": link,
        "shares": Share.objects.live().for_path(access.folder, path).order_by("email"),
    }
    return page(request, access, "files/share.html", context, status=400 if sent and not link else 200)


def _made(request: HttpRequest, access, path: str, form: ShareForm) -> tuple[Share | None, str]:
    try:
        return create(access.folder, path, created_by=request.user, request=request, **form.facts)
    except (ShareLimitError, ValidationError) as error:
        form.add_error(None, error if isinstance(error, ValidationError) else str(error))
        return None, ""
