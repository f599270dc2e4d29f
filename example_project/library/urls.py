"""URLs of the library."""

from django.urls import path

from library import delivery, files, views

app_name = "library"

urlpatterns = [
    path("", views.DocumentList.as_view(), name="list"),
    path("gallery/", views.Gallery.as_view(), name="gallery"),
    path("delivery/", delivery.Delivery.as_view(), name="delivery"),
    path("upload/", views.DocumentUpload.as_view(), name="upload"),
    path("documents/<int:pk>/", views.DocumentDetail.as_view(), name="detail"),
    path("documents/<int:pk>/file/", files.DocumentFile.as_view(), name="file"),
    path("documents/<int:pk>/download/", files.DocumentDownload.as_view(), name="download"),
    path("documents/<int:pk>/access/", views.DocumentAccess.as_view(), name="access"),
    path("documents/<int:pk>/replace/", views.DocumentReplace.as_view(), name="replace"),
    path("documents/<int:pk>/delete/", views.DocumentDelete.as_view(), name="delete"),
]
