"""The admin of the test project, and the endpoints of direct uploads and of the development twin."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("s3store/", include("s3store.urls")),
    path("", include("s3store.sharing.urls")),
    path("media/s3/", include("s3store.local.urls")),
]
