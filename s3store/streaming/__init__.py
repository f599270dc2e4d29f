"""A file through Django, as HTTP defines it. Serving uses it."""
