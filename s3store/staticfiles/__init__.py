"""Publishing static files. The static storages and collectstatic use it."""
