"""Reading and writing the content of files. Storages, streaming and static files use it."""
