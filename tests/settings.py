"""Settings of the test project: what a site that moves its files to S3 has, and no bucket of its own."""

SECRET_KEY = "tests"
ROOT_URLCONF = "tests.urls"
USE_TZ = True
TIME_ZONE = "Europe/Vienna"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "s3store",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "s3store.sharing",
    "tests.app",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
# PBKDF2 would take 0.3 s of a processor for each password.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
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
MIDDLEWARE = [
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "s3store.middleware.UploadMiddleware",
]
S3STORE_SHARING = {
    "folder": "tests.sharing.site.folder_of",
    "brand": "tests.sharing.site.brand_of",
    "verified_addresses": "tests.sharing.site.addresses_of",
    "manages": "tests.sharing.site.manages",
    "base_url": "https://portal.example",
}
# Django from 6.1 on warns without it; older versions ignore it.
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
