"""Forms of the companies app."""

from io import BytesIO
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

from companies.models import Company, Role
from companies.sizes import GIGABYTE, MEGABYTE
from s3store.sharing import email_key

LOGO_BYTES = 2 * MEGABYTE
LOGO_PIXELS = 4096
LOGO_SIZE = 256


class LoginForm(AuthenticationForm):
    """People log in with their e-mail address, however they write its capital letters."""

    username = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"}),
    )
    error_messages: dict[str, Any] = {
        **AuthenticationForm.error_messages,
        "invalid_login": _("This e-mail address and password do not belong together. Check both."),
    }

    def clean_username(self) -> str:
        """Return the key of the address."""
        return email_key(self.cleaned_data["username"])


class InviteForm(forms.Form):
    """Who is invited, and what the person may do."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.CLIENT)


class RoleForm(forms.Form):
    """What a member may do."""

    role = forms.ChoiceField(choices=Role.choices)


class AccountForm(forms.Form):
    """The account of a person who was invited."""

    first_name = forms.CharField(
        label=_("First name"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "given-name"})
    )
    last_name = forms.CharField(
        label=_("Last name"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "family-name"})
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 8 characters."),
    )

    def clean_password(self) -> str:
        """Return the password, if it is hard to guess."""
        password: str = self.cleaned_data["password"]
        validate_password(password)
        return password


class CompanyForm(forms.ModelForm):
    """A new company."""

    class Meta:
        model = Company
        fields = ["name", "slug"]


class LogoMixin(forms.Form):
    """A logo, which is stored as a small PNG picture whatever was uploaded."""

    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        help_text=_("A PNG, JPEG or WebP picture of at most 2 MB. Recipients of links see it."),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )

    def clean_logo(self) -> ContentFile | None:
        """Return the logo as a PNG picture of 256 x 256 pixels."""
        uploaded = self.cleaned_data.get("logo")
        if not uploaded or not hasattr(uploaded, "content_type"):
            return None
        if uploaded.size > LOGO_BYTES:
            raise ValidationError(_("The file is too large. Choose one of at most 2 MB."))
        return ContentFile(_small_png(uploaded), name="logo.png")


class SettingsForm(LogoMixin, forms.ModelForm):
    """What owners can change."""

    class Meta:
        model = Company
        fields = ["name"]


class StaffSettingsForm(SettingsForm):
    """What the studio can change."""

    quota_gb = forms.DecimalField(
        label=_("Space in GB"),
        min_value=0,
        max_value=100_000,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )

    class Meta:
        model = Company
        fields = ["name", "is_active"]

    def save(self, commit: bool = True) -> Any:
        """Store the quota in bytes."""
        self.instance.quota = round(self.cleaned_data["quota_gb"] * GIGABYTE)
        return super().save(commit)


def _small_png(file: Any) -> bytes:
    try:
        with Image.open(file, formats=("PNG", "JPEG", "WEBP")) as image:
            if max(image.size) > LOGO_PIXELS:
                raise ValidationError(_("The picture has too many pixels. Choose one of at most 4096 × 4096."))
            small = ImageOps.fit(ImageOps.exif_transpose(image).convert("RGBA"), (LOGO_SIZE, LOGO_SIZE))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValidationError(_("This file is not a PNG, JPEG or WebP picture.")) from error
    target = BytesIO()
    small.save(target, "PNG")
    return target.getvalue()
