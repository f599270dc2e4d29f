"""The pages of shares: those of recipients, and those of members. Each can be replaced by a subclass or a template."""

from s3store.sharing.views.base import ShareView
from s3store.sharing.views.editing import (
    CreateFolderView,
    DeleteView,
    MoveView,
    RenameView,
    RestoreView,
    UploadView,
)
from s3store.sharing.views.files import ContentView, DownloadView, ZipView
from s3store.sharing.views.members import (
    LogView,
    ShareCreateView,
    SharedByUsView,
    SharedWithMeView,
    StopView,
)
from s3store.sharing.views.pages import LinkView, PageView, UnlockView

__all__ = [
    "ContentView",
    "CreateFolderView",
    "DeleteView",
    "DownloadView",
    "LinkView",
    "LogView",
    "MoveView",
    "PageView",
    "RenameView",
    "RestoreView",
    "ShareCreateView",
    "ShareView",
    "SharedByUsView",
    "SharedWithMeView",
    "StopView",
    "UnlockView",
    "UploadView",
    "ZipView",
]
