"""Sizes as people read them."""

_UNITS = ("bytes", "KB", "MB", "GB", "TB")


def readable_size(size: int | None) -> str:
    """Return *size* bytes like "2.4 MB", "180 KB" or "8 GB", with a no-break space. None is an en dash."""
    if size is None:
        return "–"
    if size < 1000:
        return f"{size}\xa0{'byte' if size == 1 else 'bytes'}"
    value, unit = size / 1000, 1
    while round(value) >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    digits = f"{value:.1f}".removesuffix(".0") if value < 10 else f"{value:.0f}"
    return f"{digits}\xa0{_UNITS[unit]}"
