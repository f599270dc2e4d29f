"""What recipients of an edit link can do in the shared folder: add, name, move, delete and take back."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from s3store.folders import Trashed
from s3store.sharing import signals
from s3store.sharing.forms import NameForm, PathsForm, upload_form
from s3store.sharing.refusals import ShareLimitError
from s3store.sharing.uploading import store
from s3store.sharing.views.base import ShareView
from s3store.sharing.views.files import joined


class EditingView(ShareView):
    """The base class of views that change something, and go back to the page."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Make the change, or say on the page why not."""
        try:
            self.change(request)
        except ValidationError as error:
            self.say(" ".join(error.messages), level=messages.ERROR)
        except (ShareLimitError, FileExistsError, ValueError) as error:
            self.say(str(error), level=messages.ERROR)
        return self.back()

    def change(self, request: HttpRequest) -> None:
        """Make the change."""
        raise NotImplementedError("Override it.")

    def chosen(self) -> list[str]:
        """Return the paths that were chosen. Names that lead elsewhere are refused by the folder."""
        return [joined(self.access.path, name) for name in PathsForm(self.request.POST).paths]

    def report(self, report: Any, text: str) -> None:
        """Say what a tree operation did, and what it could not do."""
        self.say(text)
        for failure in report.failures[:10]:
            self.say(f"{failure.path}: {failure.reason}", level=messages.ERROR)


class UploadView(EditingView):
    """Takes files: receipts of direct uploads, or files in the form."""

    action = "upload"

    def change(self, request: HttpRequest) -> None:
        """Store each file, under a free name."""
        access = self.access
        form = upload_form(access.share, request.POST, request.FILES)
        if not form.is_valid():
            raise ValidationError([message for found in form.errors.values() for message in found])
        files = form.cleaned_data["files"]
        for file in files if isinstance(files, list) else [files]:
            name = file.name.rpartition("/")[2]
            stored = store(access, file, joined(access.path, name))
            path = stored if access.share.is_folder else ""
            access.record("uploaded", path=path, size=file.size)
            access.share.tell(signals.share_uploaded, request=request, path=path)
            self.say(_("“%(name)s” was uploaded.") % {"name": stored.rpartition("/")[2]})


class CreateFolderView(EditingView):
    """Makes a folder."""

    action = "create_folder"

    def change(self, request: HttpRequest) -> None:
        """Make it in the folder at the path."""
        path = joined(self.access.path, named(request))
        self.access.folder.create_folder(path)
        self.access.record("uploaded", path=path, folder=True)


class RenameView(EditingView):
    """Renames the file or folder in `old`."""

    action = "rename"

    def change(self, request: HttpRequest) -> None:
        """Rename it in the folder at the path."""
        old = joined(self.access.path, request.POST.get("old", ""))
        name = named(request)
        self.access.folder.rename(old, name)
        self.access.record("moved", path=old, target=joined(self.access.path, name))


class MoveView(EditingView):
    """Moves what was chosen into the folder `target`, relative to the root of the share."""

    action = "move"

    def change(self, request: HttpRequest) -> None:
        """Move it. Taken names get a number."""
        form = PathsForm(request.POST)
        if not form.is_valid():
            raise ValidationError(_("There is no such folder."))
        chosen, target = self.chosen(), form.cleaned_data["target"]
        report = self.access.folder.move(chosen, target, merge="keep_both")
        for path in chosen:
            self.access.record("moved", path=path, target=target)
        self.report(report, _("Moved: %(count)s") % {"count": len(chosen)})


class DeleteView(EditingView):
    """Deletes what was chosen. The next page can take it back."""

    action = "delete"

    def change(self, request: HttpRequest) -> None:
        """Delete it, and remember what to restore."""
        chosen = self.chosen()
        operation = uuid.uuid4().hex
        trashed = self.access.folder.trash(chosen, operation=operation)
        for path in chosen:
            self.access.record("deleted", path=path, operation=operation)
        request.session[undo_key(self.access.share)] = {**asdict(trashed), "report": None}
        self.report(trashed.report, _("Deleted: %(count)s") % {"count": len(chosen)})


class RestoreView(EditingView):
    """Takes back the last deletion of this session."""

    action = "restore"

    def change(self, request: HttpRequest) -> None:
        """Restore it."""
        found = request.session.pop(undo_key(self.access.share), None)
        if found is None:
            raise ValidationError(_("There is nothing to take back."))
        report = self.access.folder.restore(Trashed(**{**found, "paths": tuple(found["paths"])}))
        for _source, target in report.targets:
            self.access.record("restored", path=target)
        self.report(report, _("The files are back."))


def named(request: HttpRequest) -> str:
    """Return the name that was sent. Raises ValidationError."""
    form: Form = NameForm(request.POST)
    if not form.is_valid():
        raise ValidationError([message for found in form.errors.values() for message in found])
    return str(form.cleaned_data["name"])


def undo_key(share: Any) -> str:
    """Return where the session keeps what can be restored."""
    return f"s3store_sharing_undo_{share.pk}"
