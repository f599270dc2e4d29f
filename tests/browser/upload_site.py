"""A site with direct uploads under a strict content security policy: two forms, and the admin."""

from django import forms
from django.contrib import admin
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template import engines
from django.urls import include, path

from s3store.forms import S3FilesField
from s3store.widgets import S3FilesInput
from tests.app.models import Album, Note, Photo, Upload
from tests.uploads.test_forms import FILE, UploadForm

PAGE = """<!doctype html><html lang="{{ language }}" dir="{{ direction }}"><head><meta charset="utf-8">
<title>Upload</title><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
{{ form.media }}</head>
<body><main><h1>Upload</h1><form method="post" enctype="multipart/form-data">{% csrf_token %}{{ form.as_div }}
<button name="_save" value="1">Save</button> <button name="_again" value="1">Save and add another</button></form>
</main></body></html>"""

calls = []
posted = []


class ManyInput(S3FilesInput):
    """As many files as anyone drops."""

    max_files = 2000


class ManyForm(forms.Form):
    """A form without a model, whose field takes several files."""

    title = forms.CharField(required=False)
    files = S3FilesField(destination=FILE, widget=ManyInput)


def policy(request):
    """Return a policy that allows scripts and styles of the site, and connections to the bucket only."""
    bucket = "" if "closed" in request.GET else Upload._meta.get_field("file").storage.options.endpoint_url
    found = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {bucket}; form-action 'self'; "
        "base-uri 'none'; img-src 'self' data:"
    )
    # The admin's own scripts write HTML.
    return found if request.path.startswith("/admin/") else f"{found}; require-trusted-types-for 'script'"


def middleware(get_response):
    """Write down the paths of requests, and send the policy."""

    def serve(request):
        if not request.path.startswith("/static/"):
            calls.append(request.path)
        response = get_response(request)
        response.headers["Content-Security-Policy"] = policy(request)
        return response

    return serve


def steps():
    """Return the steps of uploads that Django was asked for."""
    return [call.split("/")[2] for call in calls if call.startswith("/s3store/")]


def write_down(request):
    """Keep what a form contained."""
    posted.append((dict(request.POST.lists()), dict(request.FILES), request.META["CONTENT_LENGTH"]))


def shown(request, form):
    """Return the page of a form."""
    values = {"form": form, "language": request.GET.get("lang", "en"), "direction": request.GET.get("dir", "ltr")}
    return HttpResponse(engines["django"].from_string(PAGE).render(values, request))


def edit(request):
    """Show the form of a new row, or save it."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        write_down(request)
        if form.is_valid():
            form.save()
            return redirect("/done/")
    return shown(request, form)


def many(request):
    """Show the form for several files, or keep what it contained."""
    form = ManyForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        write_down(request)
        if form.is_valid():
            posted[-1] = [(file.name, file.size, file.content_type) for file in form.cleaned_data["files"]]
            return redirect("/done/")
    return shown(request, form)


def done(request):
    """The page after a form was saved."""
    return HttpResponse('<!doctype html><title>Done</title><link rel="icon" href="data:,"><p>Done')


def worker(request):
    """A service worker that passes every request on, as those of many sites do."""
    script = """
      addEventListener("install", () => skipWaiting());
      addEventListener("activate", (event) => event.waitUntil(clients.claim()));
      addEventListener("fetch", (event) => event.respondWith(fetch(event.request)));
    """
    return HttpResponse(script, content_type="text/javascript")


class PhotoInline(admin.StackedInline):
    """Stacked rows."""

    model = Photo
    extra = 1


class NoteInline(admin.TabularInline):
    """Rows of a table."""

    model = Note
    extra = 1


class AlbumAdmin(admin.ModelAdmin):
    """An album with both kinds of rows."""

    inlines = [PhotoInline, NoteInline]


site = admin.AdminSite(name="admin")
site.register(Upload)
site.register(Album, AlbumAdmin)

urlpatterns = [
    path("admin/", site.urls),
    path("s3store/", include("s3store.urls")),
    path("", edit),
    path("many/", many),
    path("done/", done),
    path("worker.js", worker),
    path("favicon.ico", lambda request: HttpResponse(status=204)),
]
