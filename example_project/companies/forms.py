"""Forms of the companies app."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

from companies.addresses import email_key


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
        """Return the key of the address. What is not an address matches nobody."""
        typed: str = self.cleaned_data["username"]
        try:
            return email_key(typed)
        except ValueError:
            return typed
