"""The URLs of the site."""

import debug_toolbar
import private_storage.urls
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework import routers, serializers, viewsets

from tests.packages.models import Plain


class PlainSerializer(serializers.ModelSerializer):
    class Meta:
        model = Plain
        fields = ["title", "file"]


class PlainViews(viewsets.ModelViewSet):
    queryset = Plain.objects.all()
    serializer_class = PlainSerializer


router = routers.DefaultRouter()
router.register("plain", PlainViews)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include(router.urls)),
    path("schema/", SpectacularAPIView.as_view()),
    path("private/", include(private_storage.urls)),
    path("ckeditor5/", include("django_ckeditor_5.urls")),
    path("summernote/", include("django_summernote.urls")),
    path("__debug__/", include(debug_toolbar.urls)),
]
