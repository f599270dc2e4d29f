"""Headers that allow a page to load files only from this site and its bucket."""

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.utils.functional import cached_property


def origin(url: str) -> str:
    """Return the scheme, host and port of *url*, or an empty string if it is relative."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def content_security_policy(origins: Iterable[str]) -> str:
    """Return a policy that allows files only from and to this site and *origins*, and no inline code."""
    files = " ".join(["'self'", *sorted({each for each in origins if each})])
    directives = {
        "default-src": "'none'",
        "script-src": files,
        "style-src": files,
        "img-src": files,
        "font-src": files,
        "connect-src": files,
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


class SecurityHeadersMiddleware:
    """Adds Content-Security-Policy and Permissions-Policy to every response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.policy)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response

    @cached_property
    def policy(self) -> str:
        """The policy with the origins of the URLs of both storages."""
        # A static file must exist to have a URL. Every page uses this one.
        return content_security_policy(map(origin, [default_storage.url("origin"), static("library/site.css")]))
