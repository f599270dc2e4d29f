"""Middleware that lets forms know whose uploads they may accept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from s3store.uploads.owners import serving

__all__ = ["UploadMiddleware"]


@sync_and_async_middleware
def UploadMiddleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:  # noqa: N802
    """Remember the request for the forms of direct uploads, which accept only the uploads of its user.

    It stands after SessionMiddleware and AuthenticationMiddleware. It reads neither until a form needs the user.
    """
    if iscoroutinefunction(get_response):

        async def serve_async(request: HttpRequest) -> HttpResponseBase:
            with serving(request):
                return await cast("Awaitable[HttpResponseBase]", get_response(request))

        return serve_async

    def serve(request: HttpRequest) -> HttpResponseBase:
        with serving(request):
            return cast("HttpResponseBase", get_response(request))

    return serve
