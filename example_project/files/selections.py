"""The files and folders that a form names."""

from django.core.exceptions import BadRequest
from django.http import HttpRequest

MOST = 1000
"""How many files and folders can be chosen at once."""


def selected(request: HttpRequest) -> tuple[list[str], str]:
    """Return the chosen paths, and the path of the folder that the page showed. Both are in the company's folder.

    The Folder refuses paths that leave it. Raises BadRequest for more than 1000 paths.
    """
    data = request.POST if request.method == "POST" else request.GET
    # The menu of a row is about that row, whatever is ticked.
    names = [data["only"]] if data.get("only") else data.getlist("names")
    paths = list(dict.fromkeys(path for path in names if path))
    if len(paths) > MOST:
        raise BadRequest("Choose at most 1000 files and folders.")
    return paths, data.get("folder", "")


def joined(folder_path: str, path: str) -> str:
    """Return the path of what is called `path` in a folder. The path of the company's own folder is empty."""
    return f"{folder_path.removesuffix('/')}/{path}" if folder_path else path
