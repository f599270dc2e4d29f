"""Settings of the portal.

The bucket is set only by environment variables, so that the same code works with the embedded server of
``demo.py``, with the development twin and with any bucket:

``AWS_STORAGE_BUCKET_NAME``
    The bucket. Media files are below ``media/``, and static files are below ``static/``.
``AWS_S3_ENDPOINT_URL``
    The URL of the S3 server. Not needed for AWS.
``AWS_S3_REGION_NAME``
    The region of the bucket.
``AWS_S3_ACCESS_KEY_ID``, ``AWS_S3_SECRET_ACCESS_KEY``
    The access key. Without it, botocore searches for credentials.
``AWS_S3_UPLOAD_CHECKSUM``
    ``crc32``: browsers send the checksum of each file, and the server refuses other bytes. Default: no checksums.
``PORTAL_LOCAL``
    Any value: no bucket. Files are in a directory, and static files come from the source.
``PORTAL_DATABASE``
    The name of the database file, without its extension. Default: the server and the bucket.
``PORTAL_SAMPLE``
    The companies of the sample data, with commas. Default: all six.
``PORTAL_URL``
    The URL of the site, for the links in mails. Default: http://127.0.0.1:8000.
``PORTAL_EMAIL_BACKEND``
    How mails are sent. Default: they are not sent, but shown on a page.
"""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import django
from django.core.management.utils import get_random_secret_key
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("S3STORE_DEMO_DATA") or BASE_DIR / ".data")


def _kept_secret(path: Path) -> str:
    """Return the secret in *path*, which is created if it does not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(get_random_secret_key())
    except FileExistsError:
        pass
    return path.read_text()


SECRET_KEY = _kept_secret(DATA_DIR / "secret-key")
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

# ---------------------------------------------------------------- files

# A page says that S3 does not respond after a second. The default of 8 attempts is for sites with traffic.
MAX_ATTEMPTS = 3
LOCAL = bool(os.environ.get("PORTAL_LOCAL"))
if LOCAL:
    STORAGES = {
        "default": {
            "BACKEND": "portal.bucket.LocalMediaStorage",
            "OPTIONS": {"directory": DATA_DIR / "local", "allow_without_debug": True},
        },
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
else:
    STORAGES = {
        "default": {
            "BACKEND": "s3store.storage.S3MediaStorage",
            "OPTIONS": {"max_attempts": MAX_ATTEMPTS},
        },
        # All references to static files use {% static %}, so names without a hash are not needed.
        "staticfiles": {
            "BACKEND": "portal.bucket.StaticStorage",
            "OPTIONS": {"gzip": True, "keep_only_hashed": True, "max_attempts": MAX_ATTEMPTS},
        },
    }
AWS_STORAGE_BUCKET_NAME = os.environ.get("AWS_STORAGE_BUCKET_NAME", "")
AWS_S3_ENDPOINT_URL = os.environ.get("AWS_S3_ENDPOINT_URL") or None
AWS_S3_REGION_NAME = os.environ.get("AWS_S3_REGION_NAME") or None
AWS_S3_ACCESS_KEY_ID = os.environ.get("AWS_S3_ACCESS_KEY_ID") or None
AWS_S3_SECRET_ACCESS_KEY = os.environ.get("AWS_S3_SECRET_ACCESS_KEY") or None
AWS_S3_UPLOAD_CHECKSUM = os.environ.get("AWS_S3_UPLOAD_CHECKSUM") or None

# The lifetime of the signed URLs behind the links of members, in seconds.
LINK_SECONDS = 120

# Django requires it, but the storage creates the URLs of static files.
STATIC_URL = "/static/"

# ---------------------------------------------------------------- application

INSTALLED_APPS = [
    "s3store",
    "companies",
    "files",
    "bucket",
    "s3store.sharing",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "portal.security.SecurityHeadersMiddleware",
    "portal.compression.CompressedPagesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "s3store.middleware.UploadMiddleware",
    "companies.outbox.OutboxMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEST_RUNNER = "portal.runner.OfflineRunner"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "companies.context.portal",
            ],
        },
    },
]

# One database for each bucket of each server: rows must not refer to objects in a different bucket.
_server = urlsplit(AWS_S3_ENDPOINT_URL or "").netloc
_bucket = os.environ.get("PORTAL_DATABASE") or "-".join(filter(None, [_server, AWS_STORAGE_BUCKET_NAME or "no-bucket"]))
_bucket_slug = re.sub(r"[^a-z0-9.-]+", "-", ("local" if LOCAL else _bucket).lower())
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / f"{_bucket_slug}.sqlite3",
        # SQLite has no row locks. With IMMEDIATE a transaction waits at its start, not in its middle (Django 5.1).
        # A file: tests with threads need one.
        "TEST": {"NAME": DATA_DIR / f"{_bucket_slug}.tests.sqlite3"},
        "OPTIONS": {"timeout": 20, **({"transaction_mode": "IMMEDIATE"} if django.VERSION >= (5, 1) else {})},
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ---------------------------------------------------------------- people

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "companies:home"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
SESSION_COOKIE_NAME = "s3store_demo_session"
CSRF_COOKIE_NAME = "s3store_demo_csrf"
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"

# ---------------------------------------------------------------- mails

PORTAL_URL = (os.environ.get("PORTAL_URL") or "http://127.0.0.1:8000").rstrip("/")
EMAIL_BACKEND = os.environ.get("PORTAL_EMAIL_BACKEND") or "companies.outbox.OutboxBackend"
DEFAULT_FROM_EMAIL = "Studio Fern <portal@studio-fern.example>"

# ---------------------------------------------------------------- links for people without an account

S3STORE_SHARING = {
    "folder": "companies.sharing.folder",
    "brand": "companies.sharing.brand",
    "verified_addresses": "companies.sharing.verified_addresses",
    "manages": "companies.sharing.manages",
    "base_url": PORTAL_URL,
}

# ---------------------------------------------------------------- language and time

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
TIME_ZONE = "UTC"
USE_TZ = True

# ---------------------------------------------------------------- log

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{levelname}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        # One line for each response. Errors are logged by django.request.
        "django.server": {"handlers": [], "level": "CRITICAL", "propagate": False},
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.request": {"level": "ERROR"},
    },
}
