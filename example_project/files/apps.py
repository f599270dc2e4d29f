"""The app `files`."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FilesConfig(AppConfig):
    """The files of a company."""

    name = "files"
    verbose_name = _("Files")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Declare the destinations of direct uploads: one for each company."""
        from files.uploads import PREFIX, find_destination
        from s3store.uploads import register_family

        register_family(PREFIX, find_destination)
