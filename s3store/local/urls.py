"""The URLs of the development twin: path("media/s3/", include("s3store.local.urls"))."""

from __future__ import annotations

from django.urls import path

from s3store.local.endpoint import endpoint

app_name = "s3store_local"

urlpatterns = [
    path("<str:bucket>", endpoint, name="bucket"),
    path("<str:bucket>/<path:key>", endpoint, name="object"),
    path("<str:bucket>/", endpoint),
]
