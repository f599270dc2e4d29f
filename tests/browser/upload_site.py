"""A site with direct uploads under a strict content security policy: a form, a formset, and the admin."""

from django.contrib import admin
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import include, path

from tests.app.models import Upload
from tests.uploads.test_forms import UploadForm

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Upload</title>
<meta name="viewport" content="width=device-width">{{ form.media }}</head>
<body><form method="post" enctype="multipart/form-data">{% csrf_token %}{{ form.as_div }}
<button name="_save" value="1">Save</button> <button name="_again" value="1">Save and add another</button></form>
</body></html>"""


def policy(request):
    """Return a policy that allows scripts and styles of the site, and connections to the bucket alone."""
    storage = Upload._meta.get_field("file").storage
    bucket = storage.options.endpoint_url
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {bucket}; form-action 'self'; "
        "base-uri 'none'; require-trusted-types-for 'script'"
    )


posted = []


def edit(request):
    """Show the form, save it, and say what was posted."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        posted.append((dict(request.POST.lists()), dict(request.FILES), request.META["CONTENT_LENGTH"]))
        if form.is_valid():
            form.save()
            return redirect("/done/")
    from django.template import engines

    text = engines["django"].from_string(PAGE).render({"form": form}, request)
    return HttpResponse(text, headers={"Content-Security-Policy": policy(request)})


def done(request):
    """The page after a form was saved."""
    return HttpResponse(
        "<!doctype html><title>Done</title><p>Done", headers={"Content-Security-Policy": policy(request)}
    )


urlpatterns = [
    path("admin/", admin.site.urls),
    path("s3store/", include("s3store.urls")),
    path("", edit),
    path("done/", done),
]
