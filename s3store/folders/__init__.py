"""Files and folders as people know them, on any storage of s3store: a file manager for one root and one user."""

from s3store.folders.access import Policy
from s3store.folders.archive import Archive
from s3store.folders.entries import Entry, Found, Page, Usage
from s3store.folders.folder import Folder
from s3store.folders.names import NameRefusedError
from s3store.folders.paging import ordered
from s3store.folders.reports import Failure, Progress, Report, Trashed
from s3store.folders.selection import ArchiveTooLargeError

__all__ = [
    "Archive",
    "ArchiveTooLargeError",
    "Entry",
    "Failure",
    "Folder",
    "Found",
    "NameRefusedError",
    "Page",
    "Policy",
    "Progress",
    "Report",
    "Trashed",
    "Usage",
    "ordered",
]
