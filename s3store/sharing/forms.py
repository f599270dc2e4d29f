"""The forms of shares: making one, giving the password, uploading, and changing names."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from s3store.forms import S3FileField, S3FilesField
from s3store.sharing.addresses import checked
from s3store.sharing.models.share import MAX_MESSAGE, MAX_PASSWORD

__all__ = ["NameForm", "PasswordForm", "PathsForm", "ShareForm", "upload_form"]

MAX_PATHS = 1000
MAX_PATH = 1024


class ShareForm(forms.Form):
    """What a member says about a new share."""

    DAYS = ((1, _("1 day")), (7, _("7 days")), (14, _("14 days")), (30, _("30 days")), (90, _("90 days")))

    email = forms.EmailField(label=_("E-mail"), max_length=254)
    right = forms.ChoiceField(
        label=_("They may"),
        choices=[("view", _("view")), ("edit", _("view and edit"))],
        initial="view",
        widget=forms.RadioSelect,
    )
    days = forms.TypedChoiceField(label=_("Works for"), choices=DAYS, coerce=int, initial=14)
    password = forms.CharField(
        label=_("Password"),
        required=False,
        max_length=MAX_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Optional. Tell it to them in another way than by mail."),
    )
    max_downloads = forms.IntegerField(
        label=_("Maximum number of downloads"), required=False, min_value=1, max_value=100000, help_text=_("Optional.")
    )
    require_account = forms.BooleanField(
        label=_("Only for an account with this address"),
        required=False,
        help_text=_("Without it, anyone with the link can open it."),
    )
    message = forms.CharField(
        label=_("Message"), required=False, max_length=MAX_MESSAGE, widget=forms.Textarea(attrs={"rows": 3})
    )

    def clean_email(self) -> str:
        """Return the address without spaces around it."""
        return checked(self.cleaned_data["email"])

    @property
    def expires_at(self) -> datetime:
        """The end of the chosen time."""
        return now() + timedelta(days=self.cleaned_data["days"])

    @property
    def facts(self) -> dict[str, Any]:
        """What `s3store.sharing.create` needs: its keyword arguments but `created_by` and `request`."""
        names = ("email", "password", "max_downloads", "require_account", "message")
        return {
            **{name: self.cleaned_data[name] for name in names},
            "can_edit": self.cleaned_data["right"] == "edit",
            "expires_at": self.expires_at,
        }


class PasswordForm(forms.Form):
    """The password of a link. Too long ones are refused before they are hashed."""

    password = forms.CharField(
        label=_("Password"),
        max_length=MAX_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "autofocus": True}),
    )


class NameForm(forms.Form):
    """The name of a new folder, or the new name of a file: one segment of a path."""

    name = forms.CharField(label=_("Name"), max_length=255)

    def clean_name(self) -> str:
        """Return the name. Raises ValidationError for a path."""
        name: str = self.cleaned_data["name"]
        if "/" in name or "\\" in name:
            raise ValidationError(_("A name contains no slash."), code="name")
        return name


class PathsForm(forms.Form):
    """Files and folders that were chosen, and for a move the folder where they go."""

    target = forms.CharField(required=False, max_length=MAX_PATH, strip=False)

    @property
    def paths(self) -> list[str]:
        """What was chosen. Raises ValidationError for nothing, and for more than 1000."""
        found = cast("QueryDict", self.data).getlist("names")
        if not 0 < len(found) <= MAX_PATHS:
            raise ValidationError(_("Choose between 1 and 1000 files."), code="names")
        return found


def upload_form(share: Any, *args: Any, **kwargs: Any) -> forms.Form:
    """Return the form that uploads through a share: several files into a folder, or the new content of a file."""
    field = S3FilesField if share.is_folder else S3FileField
    label = _("Add files") if share.is_folder else _("Replace the file")
    form = forms.Form(*args, **kwargs)
    form.fields["files"] = field(destination=share.upload_label, label=label)
    return form
