"""The library's place in Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LibraryConfig(AppConfig):
    """A shared library of pictures and PDF documents."""

    name = "library"
    verbose_name = _("Library")

    def ready(self) -> None:
        """Connect the signal that removes objects."""
        from library import signals  # noqa: F401
