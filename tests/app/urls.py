"""The URLs of a project without the twin."""

urlpatterns: list = []
