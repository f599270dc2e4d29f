"""A URL configuration that cannot be imported."""

raise ValueError("These URLs are broken.")
