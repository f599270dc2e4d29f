"""The cache headers of uploaded files."""


def cache_control(name: str) -> dict[str, str]:
    """Return the parameters of PutObject for *name*: browsers may cache only thumbnails.

    The name of a thumbnail is never used again, so its content never changes.
    """
    return {"CacheControl": "private, max-age=604800, immutable"} if name.startswith("thumbnails/") else {}
