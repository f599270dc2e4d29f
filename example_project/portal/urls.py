"""URLs of the site."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import include, path
from django.utils.translation import gettext_lazy as _

admin.site.site_header = _("s3store demo")
admin.site.site_title = _("s3store demo")
admin.site.index_title = _("Administration")


def favicon(request: HttpRequest) -> HttpResponseRedirect:  # noqa: ARG001
    """Redirect browsers to the icon in the bucket. Pages of the admin do not name one."""
    return HttpResponseRedirect(static("library/icon.svg"))


urlpatterns = [
    path("", include("library.urls")),
    path("favicon.ico", favicon),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("s3store/", include("s3store.urls")),
]
if settings.LOCAL:
    urlpatterns.append(path("media/s3/", include("s3store.local.urls")))
