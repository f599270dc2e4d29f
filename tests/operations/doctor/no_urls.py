"""A project without direct uploads."""

urlpatterns = []
