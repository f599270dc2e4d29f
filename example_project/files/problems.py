"""Errors in the words of the page."""

from django.core.exceptions import SuspiciousFileOperation
from django.utils.translation import gettext as _

from s3store import errors


def name_of(path: str) -> str:
    """Return the last segment of a path."""
    return path.rstrip("/").rpartition("/")[2]


def problem(error: Exception) -> str:
    """Return one sentence about an error of a file operation. It never says more than the user may know."""
    if isinstance(error, FileExistsError):
        return _("A file or folder of this name is already there.")
    if isinstance(error, FileNotFoundError):
        return _("The file or folder no longer exists.")
    if isinstance(error, errors.S3StoreError):
        return _("The files cannot be reached at the moment. Try again in a minute.")
    if isinstance(error, PermissionError):
        return _("You may look at these files, but not change them.")
    proposal = getattr(error, "proposal", None)
    if proposal:
        return _("This name does not work on all computers. Use “%(name)s” instead.") % {"name": proposal}
    if isinstance(error, SuspiciousFileOperation):
        return _("This name is not possible. Choose another one.")
    return str(error)
