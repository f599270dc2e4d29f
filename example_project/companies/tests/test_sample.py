"""The sample data."""

import io
import wave
import zipfile

from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.test import TestCase
from files.models import Operation
from PIL import Image

from companies.models import Company, Invitation
from companies.sample import build, cast, film, sheets
from companies.sample.drawing import SCENES, encoded, landscape
from companies.sample.pdf import document
from companies.sample.trees import HOSTILE, files_of
from companies.tests.scene import PASSWORD, put
from s3store.folders import Folder
from s3store.sharing import AccessLog, Share

CLIENTS = (cast.LINDQVIST, cast.RIVERSIDE)


class Sample(TestCase):
    """PORTAL.md 6."""

    def snapshot(self):
        return (
            sorted((each.name, each.etag) for each in default_storage.scan("companies/")),
            list(Company.objects.values()),
            list(Share.objects.order_by("pk").values()),
            AccessLog.objects.count(),
        )

    def test_run_again_nothing_changes(self):
        """Files, companies, links and the log are the same; the counters are right."""
        written = build.build(CLIENTS)
        before = self.snapshot()
        assert build.build(CLIENTS) == 0
        assert self.snapshot() == before
        company = Company.objects.get(slug="lindqvist-moor")
        usage = Folder(default_storage, company.prefix).usage()
        assert (usage.files, usage.bytes) == (company.files_count, company.bytes_used)
        assert written == company.files_count + 6, "six files are deleted"
        operation = Operation.objects.get(company=company)
        assert operation.can_undo
        self.client.force_login(operation.started_by)
        self.client.post(f"/c/lindqvist-moor/operations/{operation.pk}/undo/")
        assert Folder(default_storage, company.prefix).usage().files == written
        assert {share.state for share in Share.objects.all()} == {"used_up", "stopped"}
        assert Invitation.objects.count() == 4
        told = io.StringIO()
        call_command("sample_data", *(client.slug for client in CLIENTS), stdout=told)
        assert told.getvalue() == "The sample data is there already.\n"
        with self.assertRaises(CommandError):
            call_command("sample_data", "nobody")

    def test_an_interrupted_run_is_completed(self):
        """Files that are there already are replaced, not doubled."""
        prefix = "companies/lindqvist-moor-sample/"
        put(prefix + "Archive/empty.txt", b"half")
        build.build(CLIENTS)
        names = [each.name.removeprefix(prefix) for each in default_storage.scan(prefix)]
        assert len(names) == len(set(names))
        assert Folder(default_storage).read(prefix + "Archive/empty.txt") == b""
        assert "Archive/empty (2).txt" not in names

    def test_there_are_files_of_every_kind_and_names_that_are_hard(self):
        """Numbers of the whole data, without writing them."""
        paths = [path for client in cast.CLIENTS for path, _ in files_of(client)]
        assert sum(path.endswith((".jpg", ".png", ".webp")) for path in paths) > 120
        assert sum(path.endswith(".pdf") for path in paths) > 45
        assert sum(path.endswith(".webm") for path in paths) == 8
        assert sum("Inverter log" in path for path in paths) == 1200
        assert sum(path.startswith("Names/") for path in paths) == len(HOSTILE)
        assert all(len(part.encode()) <= 255 for path in paths for part in path.split("/"))
        assert list(files_of(cast.RIVERSIDE)) == []

    def test_equal_seeds_make_equal_files(self):
        """Every content of a client, twice."""
        one, two = ({path: make() for path, make in files_of(cast.LINDQVIST)} for _ in range(2))
        assert one == two

    def test_a_film_is_webm_with_a_frame_for_each_picture(self):
        """Its frames are key frames of VP8, and its cues point at clusters."""
        content = film.webm([film._vp8(landscape("coast", 1, size=film.SIZE))] * 12)
        assert content[:4] == b"\x1aE\xdf\xa3"
        assert content.count(b"\x1fC\xb6u") == 2
        assert content.count(b"\x9d\x01*") == 12
        segment = content.index(b"\x18\x53\x80\x67") + 12
        cue = content.index(b"\xf1\x01") + 9
        assert content[segment + int.from_bytes(content[cue : cue + 8], "big") :][:4] == b"\x1fC\xb6u"

    def test_pictures_sounds_and_archives_can_be_opened(self):
        """By the programs that read them."""
        for name in ("a.jpg", "a.png", "a.webp"):
            with Image.open(io.BytesIO(encoded(landscape(SCENES[0], 3), name))) as image:
                assert (image.size, dict(image.getexif())) == ((960, 640), {})
        with wave.open(io.BytesIO(film.sound(1))) as sound:
            assert sound.getnframes() == 24000
        for content in (sheets.workbook([("a", "b&")]), sheets.letter(["<x>"]), sheets.archive({"ä.txt": "x"})):
            assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None

    def test_a_paper_has_its_pages_and_its_title(self):
        """The table of objects points at the objects."""
        content = document("Angebot (1) \\ Größe", [["# A", "b"], ["c"]], foot="f")
        assert content.count(b"/Type /Page ") == 2
        start = int(content.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
        assert content[start : start + 4] == b"xref"
        for number, line in enumerate(content[start:].split(b"\n")[3:12], start=1):
            assert content[int(line[:10]) :].startswith(b"%d 0 obj" % number)

    def test_the_accounts_work_and_their_names_are_kept(self):
        """Every person can log in with the password of the demo; letters of all languages survive."""
        build.build(CLIENTS)
        assert PASSWORD != cast.PASSWORD
        assert self.client.login(username="iman@lindqvist-moor.example", password=cast.PASSWORD)
        self.client.login(username="ada@studio-fern.example", password=cast.PASSWORD)
        self.assertContains(self.client.get("/c/lindqvist-moor/members/"), "إيمان الخطيب")
