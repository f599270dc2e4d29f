"""What browsers may keep."""


def cache_control(name: str) -> dict[str, str]:
    """Return the parameters of PutObject for *name*: thumbnails may be kept, documents are asked for each time.

    Each thumbnail has a name of its own for ever, so what is behind a name never changes.
    """
    return {"CacheControl": "private, max-age=604800, immutable"} if name.startswith("thumbnails/") else {}
