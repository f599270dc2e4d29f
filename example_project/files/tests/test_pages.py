"""The page of a file, its previews, and its permanent URL."""

# ruff: noqa: PT009

import gzip
from urllib.parse import urlsplit

from files.previews import LARGEST
from files.tests.portal import PortalTestCase
from s3store.sharing import AccessLog


class Pages(PortalTestCase):
    """What the page of a file shows."""

    def test_the_page_knows_the_files_beside_it(self):
        """Previous and next are the files of the folder."""
        page = self.client.get(self.url("file", "2026/Photos/roof-north.png"))
        self.assertContains(page, "1 of 2")
        self.assertEqual(page.context["following"], self.url("file", "2026/Photos/roof-south.png"))
        self.assertEqual(page.context["previous"], "")

    def test_missing_files_and_folders_have_no_such_page(self):
        """A folder, and a file that does not exist, are not found."""
        for path in ("2026", "gone.txt"):
            self.assertEqual(self.client.get(self.url("file", path)).status_code, 404)

    def test_the_permanent_url_redirects_for_two_minutes(self):
        """The URL of the content checks the member, and redirects to a signed URL."""
        answer = self.client.get(self.url("open", "offer.pdf"))
        self.assertEqual(answer.status_code, 302)
        self.assertIn("X-Amz-Expires=120", answer["Location"])
        self.assertIn("no-store", answer["Cache-Control"])
        parts = urlsplit(answer["Location"])
        self.assertEqual(b"".join(self.client.get(f"{parts.path}?{parts.query}")), b"%PDF-1.4\n")

    def test_downloads_are_written_down(self):
        """A download has a line in the activity, a preview has none."""
        self.client.get(self.url("open", "offer.pdf"))
        self.assertFalse(AccessLog.objects.filter(action="downloaded").exists())
        self.client.get(self.url("open", "offer.pdf") + "?download=1")
        self.assertEqual(AccessLog.objects.get(action="downloaded").path, "offer.pdf")


class Previews(PortalTestCase):
    """What is rendered here is text, whatever is in it."""

    def show(self, name, content):
        """Return the page of a new file."""
        self.folder.save(name, content)
        return self.client.get(self.url("file", name))

    def test_markdown_is_rendered_without_its_html(self):
        """Markdown becomes HTML; scripts, pictures and HTML in it do not."""
        content = (
            b"# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<script>alert(1)</script>\n\n"
            b"![track](https://evil.example/x.png)\n\n[go](javascript:alert(1)) [out](https://example.org)"
        )
        frame = self.show("read.md", content)
        self.assertContains(frame, f'src="{self.url("rendered", "read.md")}" sandbox="allow-popups')
        self.assertNotContains(frame, "<td>1</td>")
        page = self.client.get(self.url("rendered", "read.md"))
        self.assertContains(page, "<h1>Title</h1>")
        self.assertContains(page, "<td>1</td>")
        self.assertContains(page, 'rel="noreferrer noopener nofollow"')
        for bad in ("<script>alert", "evil.example", 'javascript:alert(1)"'):
            self.assertNotContains(page, bad)

    def test_sh_38_what_is_rendered_is_not_part_of_the_site(self):
        """The frame has a policy of its own: a sandbox without scripts and without the origin of the site."""
        self.folder.save("read.md", b"# Title")
        page = self.client.get(self.url("rendered", "read.md"))
        policy = dict(part.strip().partition(" ")[::2] for part in page["Content-Security-Policy"].split(";"))
        self.assertEqual(policy["default-src"], "'none'")
        self.assertEqual(policy["sandbox"], "allow-popups allow-popups-to-escape-sandbox")
        self.assertEqual((page["X-Frame-Options"], policy["frame-ancestors"]), ("SAMEORIGIN", "'self'"))
        self.assertIn("no-store", page["Cache-Control"])
        for path in ("offer.pdf", "2026", "gone.md"):
            self.assertEqual(self.client.get(self.url("rendered", path)).status_code, 404)

    def test_tables_are_text(self):
        """CSV is shown in a table, with the delimiter of the file."""
        page = self.show("meter.csv", "Zähler;Stand\nA;<b>1</b>\nB;=2+2\n".encode())
        self.assertContains(page, '<th scope="col">Zähler</th>')
        self.assertContains(page, "&lt;b&gt;1&lt;/b&gt;")

    def test_hostile_files_stay_text(self):
        """HTML and SVG are shown as text, and content that is no text is not shown."""
        for name in ("page.html", "drawing.svg"):
            page = self.show(name, b"<svg onload=alert(1)></svg>")
            self.assertContains(page, "&lt;svg onload=alert(1)&gt;")
        self.assertEqual(self.show("binary.txt", b"MZ\0\0").context["preview"].shape, "none")
        self.assertEqual(self.show("latin.txt", b"caf\xe9").context["preview"].text, "caf\ufffd")

    def test_kinds_have_their_elements(self):
        """Pictures, films, sound and PDF files come from the permanent URL."""
        for name, element in (("a.jpg", "<img src="), ("a.webm", "<video"), ("a.wav", "<audio"), ("a.pdf", "<iframe")):
            self.assertContains(self.show(name, b"x"), element)
        self.assertEqual(self.show("a.bin", b"x").context["preview"].shape, "none")

    def test_long_texts_are_not_shown(self):
        """A text over 256 KiB is not read."""
        page = self.show("long.txt", b"x" * (LARGEST + 1))
        self.assertContains(page, "too large for a preview")
        self.assertEqual(self.show("short.txt", b"x" * LARGEST).context["preview"].shape, "text")
        cut = self.show("rows.csv", b"a,b\n" + b"1,2\n" * 300)
        self.assertContains(cut, "The first 200 rows are shown.")


class Compression(PortalTestCase):
    """What arrives at browsers that accept gzip."""

    def test_pages_are_compressed_and_archives_keep_their_length(self):
        """A page says that it is compressed; an archive says how long it is, and starts as archives do."""
        page = self.client.get(self.url("browse"), headers={"accept-encoding": "gzip"})
        self.assertEqual(page["Content-Encoding"], "gzip")
        self.assertIn(b"offer.pdf", gzip.decompress(page.content))
        sent = {"names": "offer.pdf"}
        archive = self.client.post(self.url("zip"), sent, headers={"accept-encoding": "gzip"})
        content = b"".join(archive)
        self.assertNotIn("Content-Encoding", archive)
        self.assertEqual(archive["Content-Length"], str(len(content)))
        self.assertTrue(content.startswith(b"PK"))
