"""The site of the benchmark of uploads: a page with an upload field. It prints its URL, and counts what it receives.

python -m benchmarks.upload_site < place.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FIELD = "uploads"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Uploads</title>{{ form.media }}</head>
<body><form method="post" enctype="multipart/form-data">{% csrf_token %}{{ form.as_div }}<button>Send</button></form>
</body></html>"""

received = {"requests": 0, "bytes": 0}
urlpatterns: list[Any] = []


def counting(get_response: Any) -> Any:
    """Count the requests to the endpoints and the bytes of all bodies."""

    def serve(request: Any) -> Any:
        request.user = _Visitor()
        if request.method == "POST":
            received["requests"] += 1
            received["bytes"] += int(request.META.get("CONTENT_LENGTH") or 0)
        return get_response(request)

    return serve


class _Visitor:
    """Somebody who is logged in, without a database."""

    is_authenticated = True
    is_active = True
    is_staff = False
    pk = 1


def main() -> None:
    import django
    from django.conf import settings

    place = json.load(sys.stdin)
    settings.configure(
        SECRET_KEY="benchmarks",
        DEBUG=True,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["s3store", "django.contrib.staticfiles"],
        MIDDLEWARE=[
            "django.middleware.csrf.CsrfViewMiddleware",
            f"{__name__}.counting",
            "s3store.middleware.UploadMiddleware",
        ],
        STATIC_URL="/static/",
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        STORAGES={
            "default": {"BACKEND": "s3store.storage.S3Storage", "OPTIONS": place},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
    )
    django.setup()

    from django import forms
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler, get_internal_wsgi_application
    from django.http import HttpRequest, HttpResponse, JsonResponse
    from django.template import engines
    from django.urls import include, path

    from s3store.forms import S3FilesField
    from s3store.uploads import Destination, register

    register(FIELD, Destination(max_size=1 << 40))

    class Form(forms.Form):
        files = S3FilesField(destination=FIELD)

    def page(request: HttpRequest) -> HttpResponse:
        return HttpResponse(engines["django"].from_string(PAGE).render({"form": Form()}, request))

    def state(_: HttpRequest) -> JsonResponse:
        return JsonResponse({**received, "memory": _memory()})

    urlpatterns[:] = [path("", page), path("state/", state), path("s3store/", include("s3store.urls"))]

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.set_app(StaticFilesHandler(get_internal_wsgi_application()))
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


def _memory() -> int | None:
    """Return the peak memory of the process in bytes, or None on systems other than Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    # The URLconf is this module under its own name, with this module's URLs.
    sys.modules["benchmarks.upload_site"] = sys.modules[__name__]
    __name__ = "benchmarks.upload_site"
    main()
