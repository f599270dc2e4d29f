"""URLs of the companies."""

from django.urls import path

from companies import views

app_name = "companies"

urlpatterns = [
    path("", views.home, name="home"),
    path("c/<slug:slug>/", views.opened, name="open"),
]
