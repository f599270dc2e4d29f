"""Two companies with files, and the people in them."""

import io
import wave

from companies.access import folder_of
from companies.models import Company, Membership, Role
from django.contrib.auth import get_user_model
from django.core.files.storage import default_storage
from django.test import TestCase
from django.urls import reverse

SECRET = "harbour-secret-7"
JSON = {"HTTP_ACCEPT": "application/json"}


def picture(colour: str = "teal", size: tuple[int, int] = (64, 48), kind: str = "PNG") -> bytes:
    """Return a picture of one colour."""
    from PIL import Image

    target = io.BytesIO()
    Image.new("RGB", size, colour).save(target, kind)
    return target.getvalue()


def sound(seconds: int) -> bytes:
    """Return a silent sound of CD quality: 176 KB a second, more than a browser loads ahead."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(bytes(44100 * 4 * seconds))
    return target.getvalue()


class PortalTestCase(TestCase):
    """Tom is a client of Nordlicht Solar, Mara of Harbour Kitchen, Ada is staff. Vera may only look at Nordlicht."""

    @classmethod
    def setUpTestData(cls):
        cls.nordlicht = Company.objects.create(name="Nordlicht Solar", slug="nordlicht")
        cls.harbour = Company.objects.create(name="Harbour Kitchen", slug="harbour")
        cls.tom = cls.person("tom@nordlicht.example", cls.nordlicht, Role.CLIENT)
        cls.lena = cls.person("lena@nordlicht.example", cls.nordlicht, Role.OWNER)
        cls.vera = cls.person("vera@nordlicht.example", cls.nordlicht, Role.VIEWER)
        cls.mara = cls.person("mara@harbour.example", cls.harbour, Role.CLIENT)
        cls.ada = get_user_model().objects.create_user("ada@fern.example", "ada@fern.example", is_staff=True)

    @classmethod
    def person(cls, address, company, role):
        """Return a new member of a company."""
        user = get_user_model().objects.create_user(address, address, first_name=address.split("@")[0].title())
        Membership.objects.create(company=company, user=user, role=role)
        return user

    def setUp(self):
        """Log in as Tom, with some files."""
        self.client.force_login(self.tom)
        # The bucket has no transactions.
        default_storage.delete_tree("", force=True)
        self.folder = folder_of(self.nordlicht, self.tom)
        for path, content in (
            ("2026/Photos/roof-north.png", picture()),
            ("2026/Photos/roof-south.png", picture("navy")),
            ("2026/notes.md", b"# Notes\n\n**Roof** first.\n\n<script>alert(1)</script>"),
            ("offer.pdf", b"%PDF-1.4\n"),
            ("prices.csv", b"kind,price\nroof,12\n=cmd|x,3\n"),
        ):
            self.folder.save(path, content)
        self.theirs = folder_of(self.harbour, self.mara)
        self.theirs.save("Secret/plan.txt", SECRET.encode())
        self.theirs.save("Secret/menu.png", picture("maroon"))

    def url(self, name, *arguments, slug="nordlicht"):
        """Return a URL of this app."""
        return reverse(f"files:{name}", args=[slug, *arguments])

    def post(self, name, data=None, *, slug="nordlicht", json=False, **extra):
        """Send a form, as a browser without JavaScript or as a module of the page."""
        return self.client.post(self.url(name, slug=slug), data or {}, **(JSON if json else {}), **extra)

    def everything(self, folder=None):
        """Return the paths of all files of a company."""
        folder = folder or self.folder
        storage = folder.storage
        names = [stat.name.removeprefix(folder.full_root) for stat in storage.scan(folder.full_root)]
        return sorted(name for name in names if not name.startswith(".s3store/") and not name.endswith("/"))
