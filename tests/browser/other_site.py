"""A site whose pages use scripts of others: Uppy with the code of the documentation, htmx and Turbo."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.template import engines
from django.urls import include, path

from s3store.uploads import signed_label
from tests.uploads.test_forms import FILE, UploadForm

HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Upload</title>
<link rel="icon" href="data:,">"""

PAGES = {
    "uppy": HEAD
    + """<script type="module" src="/script.js"></script></head><body>
<form method="post" enctype="multipart/form-data" action="/save/">{% csrf_token %}<div id="uppy"
data-destination="{{ destination }}"></div><button>Save</button></form></body></html>""",
    "htmx": HEAD
    + """<script src="/script.js"></script></head><body><button hx-get="/fragment/" hx-target="#place">Add</button>
<div id="place"></div></body></html>""",
    "turbo": HEAD
    + """<script src="/script.js"></script></head><body><a href="/fragment/?frame=1" data-turbo-frame="place">Add</a>
<turbo-frame id="place"></turbo-frame></body></html>""",
    "link": HEAD + """<script src="/script.js"></script></head><body><a href="/visited/">Add</a></body></html>""",
    "visited": HEAD
    + """<script src="/script.js"></script>{{ form.media }}</head><body><form method="post" action="/save/"
enctype="multipart/form-data">{% csrf_token %}{{ form.as_div }}<button>Save</button></form></body></html>""",
    "fragment": """{{ form.media }}{% if frame %}<turbo-frame id="place">{% endif %}<form method="post" action="/save/"
enctype="multipart/form-data"{% if not frame %} hx-post="/save/" hx-encoding="multipart/form-data" hx-target="#place"
{% else %} data-turbo-frame="_top"{% endif %}>{% csrf_token %}{{ form.as_div }}<button>Save</button></form>
{% if frame %}</turbo-frame>{% endif %}""",
}

script = ""
sizes = []


def shown(request, name):
    """Return one of the pages."""
    values = {"form": UploadForm(), "destination": signed_label(FILE), "frame": request.GET.get("frame")}
    return HttpResponse(engines["django"].from_string(PAGES[name]).render(values, request))


def save(request):
    """Save the row, and note how many bytes Django got."""
    sizes.append(int(request.META["CONTENT_LENGTH"]))
    form = UploadForm({"title": "a", **request.POST.dict()}, request.FILES)
    if not form.is_valid():
        return HttpResponse(form.errors.as_json(), status=422)
    form.save()
    return redirect("/done/")


urlpatterns = [
    path("s3store/", include("s3store.urls")),
    path("script.js", lambda request: HttpResponse(script, content_type="text/javascript; charset=utf-8")),
    path("save/", save),
    path("done/", lambda request: HttpResponse(f"{HEAD}</head><body><p>Done</p></body></html>")),
    *(path(f"{name}/", lambda request, name=name: shown(request, name)) for name in PAGES),
]
