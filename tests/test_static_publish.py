"""Hashing and rewriting on this machine: the same names, contents and manifest as Django's on a file system."""

import shutil
from functools import partial

import pytest
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage

from s3store.staticfiles import publish, staging
from s3store.staticfiles.manifest import MissingReferenceError
from s3store.staticfiles.staging import at_path, in_memory, in_storage
from s3store.storage import S3ManifestStaticStorage, S3StaticStorage

MODULES = {
    "js/app.js": """
        import { a } from "./b.js";
        import * as c from './deep/c.js';
        export { d } from "../d.js";
        import "./b.js";
        const e = import("./deep/c.js");
        import outside from "bare";
    """,
    "js/b.js": "import '/static/d.js';\nexport const a = 1;\n//# sourceMappingURL=b.js.map\n",
    "js/b.js.map": "{}",
    "js/deep/c.js": 'export {d} from "../../d.js";\n',
    "d.js": "export const d = 4;",
}
NASTY = {
    **MODULES,
    "css/main.css": """
        @import "fonts.css";
        @import url("deep/deeper.css");
        @import url(https://example.com/x.css);
        a { background: url( ../img/ä%20b.png ) }
        b { background: url('../img/dot.png') }
        c { background: url(data:image/png;base64,AAAA) }
        d { background: url(http://example.com/a.png) }
        e { background: url(//example.com/a.png); }
        f { background: url(#fragment) }
        g { background: url(/elsewhere/x.png) }
        h { background: url(/static/img/dot.png) }
        i { background: url("../img") }
        j { background: url(..) }
        k { background: url(../img/) }
        l { background: url("deep/../../img/./dot.png?x=1#y") }
        m { background: url('../img/sp ace.png') }
        n { background: URL("../IMG/UPPER.PNG") }
        o { background: url() }
/*# sourceMappingURL=main.css.map */
""",
    "css/main.css.map": '{"version": 3}',
    "css/fonts.css": """@font-face {
        src: url("../fonts/a.eot");
        src: url("../fonts/a.eot?#iefix") format("embedded-opentype"), url('../fonts/a.svg#web') format("svg"),
             url(../fonts/a.woff2?v=4.7) format("woff2");
    }""",
    "css/deep/deeper.css": '@import "../fonts.css";\r\na { background: url(../../img/dot.png) }\r\n',
    "css/empty.css": "",
    "css/ünïcode.css": '/* ü */ @import "main.css";',
    "css/own.0123456789ab.css": "a { background: url(../img/dot.png) }",
    "fonts/a.eot": b"\x00eot",
    "fonts/a.svg": "<svg/>",
    "fonts/a.woff2": b"wOF2",
    "img/ä b.png": b"\x89PNG",
    "img/sp ace.png": b"\x89PNG space",
    "img/dot.png": b"\x89PNG dot",
    "img/copy/dot.png": b"\x89PNG dot",
    "IMG/UPPER.PNG": b"\x89PNG upper",
    "archive.tar.gz": b"\x1f\x8b",
    "LICENSE": "free",
    "_/a+b&c=(d)'!*.txt": "signs",
}


class Ours(S3ManifestStaticStorage):
    support_js_module_import_aggregation = True


class Djangos(ManifestStaticFilesStorage):
    support_js_module_import_aggregation = True


def write(directory, files):
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def by_django(cls, source, target):
    """Return what Django makes of the files below `source`: contents by names, what it calls processed, failures."""
    shutil.copytree(source, target)
    storage = cls(location=target)
    names = [str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()]
    results = list(storage.post_process({name: (FileSystemStorage(source), name) for name in names}))
    contents = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    processed = {(name, hashed) for name, hashed, result in results if result is True}
    return contents, processed, [result for *_, result in results if isinstance(result, Exception)]


def by_us(cls, source, workshop, **options):
    """Return the release that we make of them."""
    workshop.mkdir(exist_ok=True)
    found = {str(path.relative_to(source)): at_path(str(path)) for path in source.rglob("*") if path.is_file()}
    storage = cls(bucket_name="bucket", **options)
    return publish.stage(storage, found, directory=workshop, post_process=True)


def contents_of(release):
    found = {}
    for name, file in release.files.items():
        with file.open() as opened:
            found[name] = opened.read()
    return found


@pytest.mark.parametrize(
    ("ours", "djangos"),
    [(S3ManifestStaticStorage, ManifestStaticFilesStorage), (Ours, Djangos)],
    ids=["css", "css and modules"],
)
def test_a_nasty_tree_becomes_what_django_makes_of_it(tmp_path, ours, djangos):
    """Names, contents and the manifest, byte for byte."""
    write(tmp_path / "in", NASTY)
    contents, processed, failures = by_django(djangos, tmp_path / "in", tmp_path / "out")
    release = by_us(ours, tmp_path / "in", tmp_path / "workshop")
    assert (failures, release.failures) == ([], ())
    assert {**contents_of(release), "staticfiles.json": release.manifest} == contents
    assert set(release.post_processed) == processed
    assert len(contents) > 2 * len(NASTY)


def test_the_admin_becomes_what_django_makes_of_it(tmp_path, settings):
    """All files of Django's own admin."""
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.AppDirectoriesFinder"]
    for finder in get_finders():
        for path, storage in finder.list([]):
            with storage.open(path) as file:
                write(tmp_path / "in", {path: file.read()})
    contents, processed, _ = by_django(ManifestStaticFilesStorage, tmp_path / "in", tmp_path / "out")
    release = by_us(S3ManifestStaticStorage, tmp_path / "in", tmp_path / "workshop")
    assert {**contents_of(release), "staticfiles.json": release.manifest} == contents
    assert set(release.post_processed) == processed
    assert len(processed) > 100


@pytest.mark.parametrize(
    ("files", "ours", "djangos"),
    [
        (
            {"a.css": '@import "b.css";', "b.css": '@import "a.css";'},
            S3ManifestStaticStorage,
            ManifestStaticFilesStorage,
        ),
        (
            {"a.js": 'import "./b.js";', "b.js": 'import "./a.js";', "c.js": 'import "./a.js";'},
            Ours,
            Djangos,
        ),
    ],
    ids=["css", "modules"],
)
def test_a_cycle_is_refused_as_django_refuses_it(tmp_path, files, ours, djangos):
    """A file cannot carry a hash of what carries a hash of the file."""
    write(tmp_path / "in", files)
    *_, expected = by_django(djangos, tmp_path / "in", tmp_path / "out")
    release = by_us(ours, tmp_path / "in", tmp_path / "workshop")
    assert [str(error) for error in expected] == ["Max post-process passes exceeded."]
    assert [str(error) for _, error in release.failures] == ["Max post-process passes exceeded."]


def test_all_missing_references_are_named_with_file_and_line(tmp_path):
    """Not only the first of each file, and each once, however often Django goes through the files."""
    write(
        tmp_path / "in",
        {
            "css/a.css": "a { background: url(no.png) }\n\n@import 'gone.css';\nb { background: url(../none.png#x) }\n",
            "css/b.css": "@import 'a.css';\na { background: url('../../out.png') }",
            "ok.css": "a { background: url(css/b.css) }",
        },
    )
    release = by_us(S3ManifestStaticStorage, tmp_path / "in", tmp_path / "workshop")
    assert all(isinstance(error, MissingReferenceError) for _, error in release.failures)
    assert sorted((name, str(error).split(": The file")[0]) for name, error in release.failures) == [
        ("css/a.css", "css/a.css, line 1: url(no.png)"),
        ("css/a.css", "css/a.css, line 3: @import 'gone.css'"),
        ("css/a.css", "css/a.css, line 4: url(../none.png#x)"),
        ("css/b.css", "css/b.css, line 2: url('../../out.png')"),
    ]
    assert all("could not be found" in str(error) for _, error in release.failures)


def test_what_is_no_utf_8_is_named_beside_what_is_missing(tmp_path):
    """All of it, and what refers to such a file is no problem of its own. Django stops at the first."""
    write(
        tmp_path / "in",
        {
            "a.css": b"/* caf\xe9 */",
            "deep/b.css": b"\xff",
            "c.css": "@import 'a.css'; a { background: url(no.png) }",
            "latin.txt": b"\xe9",
        },
    )
    release = by_us(S3ManifestStaticStorage, tmp_path / "in", tmp_path / "workshop")
    assert sorted((name, type(error).__name__) for name, error in release.failures) == [
        ("a.css", "UnicodeDecodeError"),
        ("c.css", "MissingReferenceError"),
        ("deep/b.css", "UnicodeDecodeError"),
    ]


def test_a_storage_without_a_manifest_takes_the_files_as_they_are(tmp_path):
    """Neither hashed nor rewritten, references that lead nowhere included."""
    write(tmp_path / "in", {"a.css": "url(no.png)"})
    release = by_us(S3StaticStorage, tmp_path / "in", tmp_path / "workshop")
    assert contents_of(release) == {"a.css": b"url(no.png)"}
    assert (release.manifest, release.paths, release.post_processed) == (None, {}, ())


def test_only_hashed_files_are_kept_where_that_was_asked_for(tmp_path):
    """The manifest is the same as without."""
    write(tmp_path / "in", NASTY)
    release = by_us(S3ManifestStaticStorage, tmp_path / "in", tmp_path / "one", keep_only_hashed=True)
    whole = by_us(S3ManifestStaticStorage, tmp_path / "in", tmp_path / "two")
    assert set(release.files) == set(whole.files) - set(NASTY)
    assert release.manifest == whole.manifest


def test_a_file_that_has_the_hashed_name_of_another_already(tmp_path):
    """It is left as it is, and not said to be processed, as with Django."""
    write(tmp_path / "in", {"a.txt": "a", "a.0cc175b9c0f1.txt": "a"})
    contents, processed, _ = by_django(ManifestStaticFilesStorage, tmp_path / "in", tmp_path / "out")
    release = by_us(S3ManifestStaticStorage, tmp_path / "in", tmp_path / "workshop")
    assert {**contents_of(release), "staticfiles.json": release.manifest} == contents
    assert {name for name, _ in release.post_processed} == {name for name, _ in processed} == {"a.0cc175b9c0f1.txt"}


def test_files_that_were_only_renamed_stay_where_they_are(tmp_path, monkeypatch):
    """A picture of a gigabyte costs no second gigabyte of disk or memory."""
    monkeypatch.setattr(staging, "HELD", 0)
    write(tmp_path / "in", {"a.png": b"x" * 1000, "b.css": "a { background: url(a.png) }"})
    by_us(S3ManifestStaticStorage, tmp_path / "in", tmp_path / "workshop")
    made = [path.read_bytes() for path in (tmp_path / "workshop").iterdir()]
    assert made
    assert all(content.startswith(b'a { background: url("a.') for content in made)


def test_finders_may_find_files_elsewhere(tmp_path):
    """Files of a storage that has no paths are read through it, as often as it takes."""
    source = InMemoryStorage()
    for name, content in {"a.css": b"a { background: url(b.png) }", "b.png": b"b"}.items():
        source.save(name, ContentFile(content))
    found = {name: in_storage(source, name) for name in ("a.css", "b.png")}
    storage = S3ManifestStaticStorage(bucket_name="bucket")
    release = publish.stage(storage, found, directory=tmp_path, post_process=True)
    write(tmp_path / "in", {"a.css": "a { background: url(b.png) }", "b.png": "b"})
    (tmp_path / "workshop").mkdir()
    assert contents_of(release) == contents_of(by_us(S3ManifestStaticStorage, tmp_path / "in", tmp_path / "workshop"))
    for file in found.values():
        file.refuse_changed()


def test_the_storage_is_itself_again_after_staging(tmp_path):
    """What was staged is gone from it, also when staging was left by an exception."""
    storage = S3ManifestStaticStorage(bucket_name="bucket")
    broken = in_memory(b"")
    object.__setattr__(broken, "opener", partial(open, tmp_path / "none"))
    with pytest.raises(FileNotFoundError):
        publish.stage(storage, {"a.txt": broken}, directory=tmp_path, post_process=True)
    assert storage._stage is None
