"""Settings of a site that uses many packages and keeps its files in S3. The fixtures add the bucket."""

from pathlib import Path

HERE = Path(__file__).resolve().parent
SECRET_KEY = "tests"
ROOT_URLCONF = "tests.packages.urls"
USE_TZ = True
DEBUG = False
ALLOWED_HOSTS = ["*"]
INTERNAL_IPS = ["127.0.0.1"]
INSTALLED_APPS = [
    "s3store",
    "tests.packages",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "compressor",
    "dbbackup",
    "debug_toolbar",
    "django_ckeditor_5",
    "django_summernote",
    "drf_spectacular",
    "easy_thumbnails",
    "filer",
    "imagekit",
    "import_export",
    "pictures",
    "pipeline",
    "private_storage",
    "rest_framework",
    "simple_history",
    "sorl.thumbnail",
    "stdimage",
    "taggit",
    "versatileimagefield",
    "wagtail",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.users",
    "django_cleanup.apps.CleanupConfig",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIDDLEWARE = [
    "debug_toolbar.middleware.DebugToolbarMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STORAGES = {
    "default": {"BACKEND": "s3store.storage.S3MediaStorage"},
    "staticfiles": {"BACKEND": "tests.packages.storages.PipelineStorage"},
    "dbbackup": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": {"location": "backups"}},
    "private": {"BACKEND": "tests.packages.storages.PrivateStorage"},
}
STATIC_URL = "/static/"
STATICFILES_DIRS = [HERE / "assets"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "compressor.finders.CompressorFinder",
    "pipeline.finders.PipelineFinder",
]
PRIVATE_STORAGE_CLASS = "tests.packages.storages.PrivateStorage"
PRIVATE_STORAGE_AUTH_FUNCTION = "private_storage.permissions.allow_authenticated"
COMPRESS_ENABLED = True
COMPRESS_ROOT = HERE / "collected"  # nothing is there: the finders know the sources
COMPRESS_STORAGE = "s3store.storage.S3StaticStorage"
COMPRESS_FILTERS = {"css": ["compressor.filters.cssmin.rCSSMinFilter"], "js": ["compressor.filters.jsmin.rJSMinFilter"]}
PIPELINE = {
    "CSS_COMPRESSOR": None,
    "JS_COMPRESSOR": None,
    "STYLESHEETS": {"site": {"source_filenames": ["one.css", "two.css"], "output_filename": "packed.css"}},
}
WAGTAIL_SITE_NAME = "tests"
WAGTAILADMIN_BASE_URL = "http://testserver"
CKEDITOR_5_CONFIGS = {"default": {"toolbar": ["imageUpload"]}}
REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
PICTURES = {"USE_PLACEHOLDERS": False, "PIXEL_DENSITIES": [1]}
