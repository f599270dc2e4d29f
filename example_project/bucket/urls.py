"""URLs of the page about the bucket."""

from django.urls import path

from bucket import views

app_name = "bucket"

urlpatterns = [path("bucket/", views.bucket_page, name="bucket")]
