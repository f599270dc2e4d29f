"""The content of one file on its way to or from its bucket. Storages, streaming and static files use it."""
