"""The URLs of direct uploads: `path("s3store/", include("s3store.urls"))`."""

from __future__ import annotations

from django.urls import path

from s3store.uploads import views

app_name = "s3store"

urlpatterns = [
    path("begin/", views.begin, name="begin"),
    path("sign/", views.sign, name="sign"),
    path("parts/", views.parts, name="parts"),
    path("complete/", views.complete, name="complete"),
    path("abort/", views.abort, name="abort"),
    path("token/", views.token, name="token"),
    path("signed-url/", views.signed_url, name="signed-url"),
]
