"""The settings with which Django's tests run. Reading them puts our storages in the place of Django's."""

import os

from tests.djangos_own import adapted

DATABASES = {alias: {"ENGINE": "django.db.backends.sqlite3"} for alias in ("default", "other")}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SECRET_KEY = "tests"
TEST_RUNNER = "tests.djangos_own.adapted.Runner"
USE_TZ = False

for name, value in os.environ.items():
    if name.startswith("S3STORE_AWS_"):
        globals()[name.removeprefix("S3STORE_")] = value

adapted.replace_djangos()
