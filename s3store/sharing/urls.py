"""The URLs of shares: `path("", include("s3store.sharing.urls"))`."""

from __future__ import annotations

from django.urls import path

from s3store.sharing import views

app_name = "s3store_sharing"

urlpatterns = [
    path("s/<str:token>/", views.LinkView.as_view(), name="open"),
    path("shared-with-me/", views.SharedWithMeView.as_view(), name="shared_with_me"),
    path("shared-by-us/", views.SharedByUsView.as_view(), name="shared_by_us"),
    path("shared/<uuid:id>/stop/", views.StopView.as_view(), name="stop"),
    path("shared/<uuid:id>/log/", views.LogView.as_view(), name="log"),
    path("shared/<uuid:id>/", views.PageView.as_view(), name="page"),
    path("shared/<uuid:id>/in/<path:path>", views.PageView.as_view(), name="folder"),
    path("shared/<uuid:id>/unlock/", views.UnlockView.as_view(), name="unlock"),
    path("shared/<uuid:id>/view/", views.ContentView.as_view(), name="view"),
    path("shared/<uuid:id>/view/<path:path>", views.ContentView.as_view(), name="view"),
    path("shared/<uuid:id>/download/", views.DownloadView.as_view(), name="download"),
    path("shared/<uuid:id>/download/<path:path>", views.DownloadView.as_view(), name="download"),
    path("shared/<uuid:id>/zip/", views.ZipView.as_view(), name="zip"),
    path("shared/<uuid:id>/zip/<path:path>", views.ZipView.as_view(), name="zip"),
    path("shared/<uuid:id>/upload/", views.UploadView.as_view(), name="upload"),
    path("shared/<uuid:id>/upload/<path:path>", views.UploadView.as_view(), name="upload"),
    path("shared/<uuid:id>/create-folder/", views.CreateFolderView.as_view(), name="create_folder"),
    path("shared/<uuid:id>/create-folder/<path:path>", views.CreateFolderView.as_view(), name="create_folder"),
    path("shared/<uuid:id>/rename/", views.RenameView.as_view(), name="rename"),
    path("shared/<uuid:id>/rename/<path:path>", views.RenameView.as_view(), name="rename"),
    path("shared/<uuid:id>/move/", views.MoveView.as_view(), name="move"),
    path("shared/<uuid:id>/move/<path:path>", views.MoveView.as_view(), name="move"),
    path("shared/<uuid:id>/delete/", views.DeleteView.as_view(), name="delete"),
    path("shared/<uuid:id>/delete/<path:path>", views.DeleteView.as_view(), name="delete"),
    path("shared/<uuid:id>/restore/", views.RestoreView.as_view(), name="restore"),
    path("shared/<uuid:id>/restore/<path:path>", views.RestoreView.as_view(), name="restore"),
]
