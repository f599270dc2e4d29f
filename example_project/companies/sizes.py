"""Sizes as people read them. A kilobyte is 1024 bytes, as on the pages of recipients and while files are sent."""

from django.template.defaultfilters import filesizeformat

MEGABYTE = 1024**2
GIGABYTE = 1024**3


def readable_size(size: int | None) -> str:
    """Return *size* bytes like "2.4 MB" or "176.2 KB", with a no-break space. None is an en dash."""
    return "–" if size is None else filesizeformat(size)
