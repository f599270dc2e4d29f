"""URLs of the portal."""

from companies.views.login import Login
from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import include, path
from django.utils.translation import gettext_lazy as _

admin.site.site_header = _("Studio Fern")
admin.site.site_title = _("Studio Fern")
admin.site.index_title = _("Administration")


def favicon(request: HttpRequest) -> HttpResponseRedirect:  # noqa: ARG001
    """Redirect browsers to the icon in the bucket. Pages of the admin do not name one."""
    return HttpResponseRedirect(static("companies/icon.svg"))


urlpatterns = [
    path("", include("companies.urls")),
    path("c/<slug:slug>/", include("files.urls")),
    path("", include("bucket.urls")),
    path("", include("s3store.sharing.urls")),
    path("favicon.ico", favicon),
    path("login/", Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("s3store/", include("s3store.urls")),
    # The endpoints of the development twin. With a bucket there are none.
    path("media/s3/", include("s3store.local.urls")),
]
