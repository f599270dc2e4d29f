"""Settings of the example project.

The bucket is set only by environment variables, so that the same code works with the embedded server of
``demo.py`` and with any bucket:

``AWS_STORAGE_BUCKET_NAME``
    The bucket. Media files are below ``media/``, and static files are below ``static/``.
``AWS_S3_ENDPOINT_URL``
    The URL of the S3 server. Not needed for AWS.
``AWS_S3_REGION_NAME``
    The region of the bucket.
``AWS_S3_ACCESS_KEY_ID``, ``AWS_S3_SECRET_ACCESS_KEY``
    The access key. Without it, botocore searches for credentials.
``S3STORE_DEMO_LOCAL``
    ``1``: the bucket is a directory, ``local/`` in the directory of the data.
"""

import os
import re
from pathlib import Path

from django.core.management.utils import get_random_secret_key
from django.utils.translation import gettext_lazy as _

from portal.caching import cache_control

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
STORAGES = {
    "default": {
        "BACKEND": "s3store.storage.S3MediaStorage",
        "OPTIONS": {"object_parameters": cache_control, "max_attempts": MAX_ATTEMPTS},
    },
    # All references to static files use {% static %}, so names without a hash are not needed.
    "staticfiles": {
        "BACKEND": "s3store.storage.S3ManifestStaticStorage",
        "OPTIONS": {"gzip": True, "keep_only_hashed": True, "max_attempts": MAX_ATTEMPTS},
    },
}
# `demo.py --local`: no server. The endpoint of the development twin is in portal.urls. Django serves the static files.
LOCAL = os.environ.get("S3STORE_DEMO_LOCAL") == "1"
if LOCAL:
    STORAGES["default"]["BACKEND"] = "portal.local.LocalMediaStorage"
    STORAGES["default"]["OPTIONS"] |= {"directory": DATA_DIR / "local", "allow_without_debug": True}
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
AWS_STORAGE_BUCKET_NAME = os.environ.get("AWS_STORAGE_BUCKET_NAME", "")
AWS_S3_ENDPOINT_URL = os.environ.get("AWS_S3_ENDPOINT_URL") or None
AWS_S3_REGION_NAME = os.environ.get("AWS_S3_REGION_NAME") or None
AWS_S3_ACCESS_KEY_ID = os.environ.get("AWS_S3_ACCESS_KEY_ID") or None
AWS_S3_SECRET_ACCESS_KEY = os.environ.get("AWS_S3_SECRET_ACCESS_KEY") or None

# Django requires it, but the storage creates the URLs of static files.
STATIC_URL = "/static/"

# ---------------------------------------------------------------- application

INSTALLED_APPS = [
    "s3store",
    "library",
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
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "s3store.middleware.UploadMiddleware",
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
            ],
        },
    },
]

# One database for each bucket: rows must not refer to objects in a different bucket.
_bucket_slug = re.sub(r"[^a-z0-9.-]+", "-", ("local" if LOCAL else AWS_STORAGE_BUCKET_NAME or "no-bucket").lower())
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / f"{_bucket_slug}.sqlite3",
        "OPTIONS": {"timeout": 20},
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The cost of collectstatic runs, for the page about static files.
STATIC_RUNS = DATA_DIR / f"{_bucket_slug}.collectstatic.json"

# ---------------------------------------------------------------- people

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "library:list"
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
