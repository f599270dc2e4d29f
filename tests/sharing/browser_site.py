"""The pages of shares under a strict content security policy that names the bucket, with an upload field."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import include, path

from tests.sharing.members_site import SharePath
from tests.sharing.site import Place

urlpatterns = [
    path("share/<path:path>", SharePath.as_view()),
    path("s3store/", include("s3store.urls")),
    path("", include("s3store.sharing.urls")),
    path("favicon.ico", lambda request: HttpResponse(status=204)),
]
referrers: list = []


def middleware(get_response):
    """Send the policy of the documentation."""

    def serve(request):
        response = get_response(request)
        bucket = Place.storage.options.endpoint_url if Place.storage else ""
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; connect-src 'self' {bucket}; "
            f"form-action 'self' {bucket}; img-src 'self' {bucket}; media-src 'self' {bucket}; frame-src {bucket}"
        )
        return response

    return serve
