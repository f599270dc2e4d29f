"""Streaming of files through Django. Serving uses it."""
