"""Reading and writing the content of files. Storages, streaming, static files and operations use it."""
