"""Each package saves, reads or deletes its files in the bucket, and nothing on disk."""

import io
import urllib.request
from importlib import metadata

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.template import engines
from PIL import Image

from tests.docs.blocks import DOCS, table
from tests.packages import models

pytestmark = pytest.mark.django_db


def png(name="a.png", colour="red"):
    """A picture of 100 × 80 pixels."""
    written = io.BytesIO()
    Image.new("RGB", (100, 80), colour).save(written, "PNG")
    return SimpleUploadedFile(name, written.getvalue(), "image/png")


def size_of(url_or_name, storage=default_storage):
    """The size of a picture in the bucket, by its URL or its name."""
    if "://" in url_or_name:
        with urllib.request.urlopen(url_or_name) as answer:
            return Image.open(io.BytesIO(answer.read())).size
    with storage.open(url_or_name) as file:
        return Image.open(file).size


def names():
    """The names in the default storage."""
    return sorted(stat.name for stat in default_storage.scan())


def render(template, **context):
    return engines["django"].from_string(template).render(context)


def test_every_package_of_the_page_is_here(settings):
    """And in the extra that installs them."""
    page = {name for row in table(DOCS / "howto" / "other-packages.rst") for name in row[0].split(", ")}
    extra = {
        requirement.partition(">")[0].partition(";")[0].strip()
        for requirement in metadata.requires("s3store")
        if requirement.endswith(('extra == "packages"', "extra == 'packages'"))
    }
    assert page == extra
    assert len(page) == 20


@pytest.fixture
def admin(client):
    """A client that is logged in as an administrator."""
    client.force_login(User.objects.create_superuser("admin"))
    return client


# Thumbnails


def test_sorl_thumbnail():
    """Its template tag makes a thumbnail in the bucket."""
    photo = models.Photo.objects.create(image=png())
    url = render(
        '{% load thumbnail %}{% thumbnail image "40x40" crop="center" as small %}'
        "{{ small.url|safe }}{% endthumbnail %}",
        image=photo.image,
    )
    assert size_of(url) == (40, 40)


def test_sorl_thumbnail_takes_a_location_for_a_part_of_the_name():
    """As the page says: a name that begins with the location loses that part, and no file has the rest as its name."""
    from sorl.thumbnail.images import ImageFile

    source = ImageFile(default_storage.save("media/a.png", png()), default_storage)
    assert (source.name, source.exists()) == ("a.png", False)


def test_easy_thumbnails():
    """Its field makes a thumbnail in the bucket, which goes with its source."""
    thing = models.Thumbnailer.objects.create(image=png())
    assert max(size_of(thing.image.get_thumbnail({"size": (40, 40)}).url)) == 40
    thing.image.delete_thumbnails()
    assert names() == ["easy/a.png"]


def test_easy_thumbnails_takes_the_location_out_of_the_name():
    """As the page says: thumbnails of two pictures can have one name."""
    from easy_thumbnails.files import get_thumbnailer

    options = {"size": (40, 40)}
    made = {
        get_thumbnailer(default_storage, relative_name=name).get_thumbnail_name(options)
        for name in ("media/a.png", "a.png")
    }
    assert len(made) == 1


def test_imagekit():
    """A spec makes its file on demand, a processed field before it saves."""
    photo = models.Photo.objects.create(image=png())
    assert size_of(photo.small.url) == (40, 32)
    assert size_of(models.Processed.objects.create(image=png()).image.name) == (40, 32)


def test_versatileimagefield():
    """It makes a thumbnail on demand and deletes it."""
    thing = models.Versatile.objects.create(image=png())
    url = thing.image.thumbnail["40x40"].url
    assert size_of(url) == (40, 32)
    thing.image.delete_all_created_images()
    assert names() == ["versatile/a.png"]


def test_stdimage(django_capture_on_commit_callbacks):
    """It makes its variations when it saves, and deletes them with the row."""
    models.Variations.objects.create(image=png())
    thing = models.Variations.objects.get()
    assert size_of(thing.image.small.url) == (40, 32)
    with django_capture_on_commit_callbacks(execute=True):
        thing.delete()
    assert names() == []


def test_pictures(django_capture_on_commit_callbacks):
    """It makes its sizes after the commit."""
    with django_capture_on_commit_callbacks(execute=True):
        thing = models.Picture.objects.create(image=png())
    ((width, made),) = next(iter(thing.image.aspect_ratios[None].values())).items()
    assert size_of(made.name)[0] == width


# Libraries of files


def test_wagtail():
    """An image has renditions, a document its content, and both go with their rows."""
    from wagtail.documents import get_document_model
    from wagtail.images import get_image_model
    from wagtail.models import Collection

    Collection.add_root(name="Root")
    image = get_image_model().objects.create(title="red", file=png(), width=100, height=80)
    assert size_of(image.get_rendition("width-40").url) == (40, 32)
    document = get_document_model().objects.create(title="letter", file=ContentFile(b"text", "letter.txt"))
    with document.open_file() as file:
        assert file.read() == b"text"
    assert document.get_file_size() == 4
    assert len(document.get_file_hash() + image.get_file_hash()) == 80


def test_filer():
    """A picture has its thumbnails in the bucket, and both are deleted."""
    from filer.models import Image as FilerImage

    image = FilerImage.objects.create(original_filename="a.png", file=png())
    assert size_of(image.url) == (100, 80)
    assert image.thumbnails["admin_tiny_icon"]
    assert len(names()) > 1
    image.delete()
    assert names() == []


# Rows with files


def test_import_export():
    """A file that is uploaded in one request is read in the next, from the default storage."""
    from import_export import resources
    from import_export.tmp_storages import MediaStorage

    resource = resources.modelresource_factory(models.Plain)()
    models.Plain.objects.create(title="one")
    exported = resource.export().csv
    kept = MediaStorage(encoding="utf-8")
    kept.save(exported.encode())
    assert MediaStorage(name=kept.name, encoding="utf-8").read().decode() == exported
    kept.remove()
    assert names() == []


def test_cleanup(django_capture_on_commit_callbacks):
    """The file of a row that is changed or deleted is deleted."""
    with django_capture_on_commit_callbacks(execute=True):
        thing = models.Plain.objects.create(title="one", file=ContentFile(b"1", "one.txt"))
        thing.file = ContentFile(b"2", "two.txt")
        thing.save()
    assert names() == ["files/two.txt"]
    with django_capture_on_commit_callbacks(execute=True):
        thing.delete()
    assert names() == []


def test_simple_history():
    """An earlier version of the row still names its file."""
    thing = models.Plain.objects.create(title="one", file=ContentFile(b"1", "one.txt"))
    thing.title = "two"
    thing.save()
    earliest = thing.history.earliest()
    assert (earliest.title, earliest.file) == ("one", "files/one.txt")
    assert default_storage.read_bytes(str(earliest.file)) == b"1"


def test_rest_framework_and_spectacular(client):
    """An upload is saved, the answer has a URL that works, and the schema has a field for the file."""
    answer = client.post("/api/plain/", {"title": "one", "file": SimpleUploadedFile("a.txt", b"text")})
    assert answer.status_code == 201, answer.content
    with urllib.request.urlopen(answer.json()["file"]) as got:
        assert got.read() == b"text"
    assert b"format: uri" in client.get("/schema/").content


# Backups and private files


def test_dbbackup(tmp_path):
    """A backup of the media files is kept below a location of its own, and brings a lost file back."""
    backups = storages["dbbackup"]
    default_storage.save("kept.txt", b"text")
    call_command("mediabackup", verbosity=0)
    (backup,) = backups.scan()
    assert backup.size > 0
    default_storage.delete("kept.txt")
    call_command("mediarestore", interactive=False, verbosity=0)
    assert default_storage.read_bytes("kept.txt") == b"text"
    backups.delete_tree("", force=True)


def test_private_storage(client):
    """The view reads the file for users who may see it."""
    thing = models.Private.objects.create(file=ContentFile(b"private", "letter.txt"))
    assert client.get(thing.file.url).status_code == 403
    client.force_login(User.objects.create(username="someone"))
    answer = client.get(thing.file.url)
    assert b"".join(answer.streaming_content) == b"private"
    thing.file.delete()


# Editors


def test_ckeditor_5(admin):
    """A picture that is dropped into the editor is saved, and the answer has its URL."""
    answer = admin.post("/ckeditor5/image_upload/", {"upload": png()})
    assert size_of(answer.json()["url"]) == (100, 80)


def test_summernote(admin):
    """An attachment is saved, and the answer has its URL."""
    answer = admin.post("/summernote/upload_attachment/", {"files": png()})
    assert size_of(answer.json()["files"][0]["url"]) == (100, 80)


# Static files


def test_compressor(settings):
    """The sources are read from disk, and the compressed file is saved beside the static files."""
    settings.COMPRESS_URL = storages["staticfiles"].url("one.css").removesuffix("one.css")
    html = render(
        "{% load compress static %}{% compress css %}"
        '<link rel="stylesheet" href="{% static "one.css" %}">{% endcompress %}'
    )
    (made,) = storages["staticfiles"].scan("CACHE")
    assert made.name in html
    assert storages["staticfiles"].read_text(made.name).startswith("body{color:red}")


def test_pipeline():
    """collectstatic packs a bundle and publishes it with its sources."""
    call_command("collectstatic", interactive=False, verbosity=0)
    static = storages["staticfiles"]
    packed = static.read_text("packed.css")
    assert "body" in packed
    assert "blue" in packed
    assert static.exists("one.css")


def test_debug_toolbar(admin, settings):
    """Its panel on static files asks the storage for no path."""
    settings.DEBUG = True
    answer = admin.get("/admin/")
    assert b"djDebug" in answer.content
