"""Logging in, with a limit for people who try passwords."""

from typing import Any

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from companies.forms import LoginForm
from s3store.sharing import Attempt, email_key

QUARTER, HOUR = 15 * 60, 60 * 60
TRIES_FROM_ONE_CLIENT = 8
TRIES_OF_ALL = 50


@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class Login(LoginView):
    """The login page. After eight wrong passwords for an address from one client it waits, also for the right one.

    The counters are rows of the database, so that they hold in all processes.
    """

    authentication_form = LoginForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Log in, or say how long to wait."""
        wait = max(Attempt.wait(what, limit=limit, seconds=seconds) for what, limit, seconds in self._limits())
        if not wait:
            return super().post(request, *args, **kwargs)
        response = render(request, "429.html", status=429)
        response.headers["Retry-After"] = str(wait)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        """Count a wrong password."""
        for what, limit, seconds in self._limits():
            Attempt.take(what, limit=limit, seconds=seconds)
        return super().form_invalid(form)

    def _limits(self) -> list[tuple[str, int, int]]:
        address = email_key(self.request.POST.get("username", "")[:254])
        client = self.request.META.get("REMOTE_ADDR", "")
        return [
            (f"login:{address}:{client}", TRIES_FROM_ONE_CLIENT, QUARTER),
            (f"login:{address}", TRIES_OF_ALL, HOUR),
        ]
