"""Headers that allow a page to load files only from this site and its bucket."""

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.utils.functional import cached_property

TWIN = "s3store_local"
"""The namespace of the URLs of the development twin, whose files are framed by pages of the same origin."""


def origin(url: str) -> str:
    """Return the scheme, host and port of *url*, or an empty string if it is relative."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def content_security_policy(*, static_origins: Iterable[str], file_origins: Iterable[str]) -> str:
    """Return a policy that allows style sheets and scripts from *static_origins*, and files from *file_origins*.

    It allows no inline code. A POST that the site answers with a redirect to the bucket needs the bucket in
    `form-action`: browsers also compare where a form arrives in the end.
    """
    code, files = _sources(static_origins), _sources(file_origins)
    both = _sources([*static_origins, *file_origins])
    directives = {
        "default-src": "'none'",
        "script-src": code,
        "style-src": code,
        "font-src": code,
        "img-src": f"{both} blob:",
        "media-src": files,
        "frame-src": files,
        "connect-src": both,
        "form-action": files,
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def _sources(origins: Iterable[str]) -> str:
    return " ".join(["'self'", *sorted({each for each in origins if each})])


class SecurityHeadersMiddleware:
    """Adds Content-Security-Policy and Permissions-Policy to every response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.resolver_match and request.resolver_match.namespace == TWIN:
            response.headers["X-Frame-Options"] = "SAMEORIGIN"
            return response
        response.headers.setdefault("Content-Security-Policy", self.policy)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response

    @cached_property
    def policy(self) -> str:
        """The policy with the origins of the URLs of both storages."""
        # A static file must exist to have a URL. Every page uses this one.
        return content_security_policy(
            static_origins=[origin(static("companies/portal.css"))],
            file_origins=[origin(default_storage.url("origin"))],
        )
