"""A page that shares what is in the company's folder."""

from __future__ import annotations

from s3store.sharing.views import ShareCreateView
from tests.sharing.site import root_folder


class SharePath(ShareCreateView):
    """Shares a path of the folder."""

    def get_folder(self):
        """Return the folder of the company."""
        return root_folder()
