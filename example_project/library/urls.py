"""Addresses of the library."""

from django.urls import path

from library import views

app_name = "library"

urlpatterns = [
    path("", views.DocumentList.as_view(), name="list"),
    path("upload/", views.DocumentUpload.as_view(), name="upload"),
    path("documents/<int:pk>/", views.DocumentDetail.as_view(), name="detail"),
    path("documents/<int:pk>/replace/", views.DocumentReplace.as_view(), name="replace"),
    path("documents/<int:pk>/delete/", views.DocumentDelete.as_view(), name="delete"),
]
