"""An admin with direct uploads: a model, inlines of another, and a readonly field."""

from django.contrib import admin
from django.db import models
from django.urls import include, path

from s3store.fields import S3FileField
from s3store.storage import S3MediaStorage
from tests.app.models import Upload


class Folder(models.Model):
    title = models.CharField(max_length=20)

    class Meta:
        app_label = "app"


class Sheet(models.Model):
    folder = models.ForeignKey(Folder, models.CASCADE)
    file = S3FileField(upload_to="sheets", storage=S3MediaStorage())

    class Meta:
        app_label = "app"


class UploadAdmin(admin.ModelAdmin):
    fields = ["title", "file"]


class SheetInline(admin.TabularInline):
    model = Sheet
    extra = 1


class FolderAdmin(admin.ModelAdmin):
    inlines = [SheetInline]


class ReadonlyAdmin(admin.ModelAdmin):
    fields = readonly_fields = ["file"]


site = admin.AdminSite()
site.register(Upload, UploadAdmin)
site.register(Folder, FolderAdmin)

readonly = admin.AdminSite(name="readonly")
readonly.register(Upload, ReadonlyAdmin)

urlpatterns = [
    path("admin/", site.urls),
    path("readonly/", readonly.urls),
    path("s3store/", include("s3store.urls")),
    path("media/s3/", include("s3store.local.urls")),
]
