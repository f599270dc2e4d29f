"""The URLs below `/c/<slug>/`."""

from django.urls import path

from files import actions, archives, arrivals, browsing, operation_views, pages, shares, thumbnail_views, transfers
from files.uploads import upload_step

app_name = "files"

urlpatterns = [
    path("files/", browsing.browse, name="browse"),
    path("files/<path:path>/", browsing.browse, name="browse"),
    path("file/<path:path>", pages.show, name="file"),
    path("open/<path:path>", pages.open_file, name="open"),
    path("rendered/<path:path>", pages.rendered, name="rendered"),
    path("do/", actions.selection, name="selection"),
    path("new-folder/", actions.new_folder, name="new-folder"),
    path("rename/", actions.rename, name="rename"),
    path("delete/", actions.delete, name="delete"),
    path("move/", transfers.transfer, {"verb": "move"}, name="move"),
    path("copy/", transfers.transfer, {"verb": "copy"}, name="copy"),
    path("zip/", archives.archive, name="zip"),
    path("share/", shares.share, name="share"),
    path("thumbnails/", thumbnail_views.missing, name="thumbnails"),
    path("upload/", arrivals.through_django, name="upload"),
    path("arrived/", arrivals.arrived, name="arrived"),
    path("folders/", arrivals.folders, name="folders"),
    path("uploads/<str:step>/", upload_step, name="upload-step"),
    path("operations/<uuid:pk>/", operation_views.show, name="operation"),
    path("operations/<uuid:pk>/run/", operation_views.run, name="run"),
    path("operations/<uuid:pk>/undo/", operation_views.undo, name="undo"),
]
