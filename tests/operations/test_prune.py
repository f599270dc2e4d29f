"""manage.py s3 prune deletes what collectstatic --prune would."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from s3store.operations import prune as prune_module
from s3store.operations.prune import find_outdated, prune
from s3store.staticfiles import releases as releases_module
from s3store.testing.counting import counted_requests
from tests.faults.proxy import FaultProxy
from tests.operations.told import Told
from tests.static_site import MANIFEST, PLAIN, Site, is_copy

FILES = {"img/a.png": "picture", "css/a.css": "a { background: url(../img/a.png) }", "b.txt": "b"}


@pytest.fixture
def site(settings, tmp_path, s3_options, monkeypatch):
    """A site on each of the servers, whose files are old enough at once."""
    # Times of servers are in seconds, and the files are written within one.
    monkeypatch.setattr(releases_module, "GRACE", timedelta(minutes=-1))
    return Site(settings, tmp_path / "static", s3_options).use(MANIFEST).write(FILES)


def publish(site, count):
    """Publish so many releases, each with another picture, and return their paths."""
    made = []
    for number in range(count):
        site.write({"img/a.png": f"release {number}"}).collect()
        made.append(site.twin().hashed_files)
    return made


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("s3", "prune", *arguments, stdout=out, stderr=err)
    finally:
        run.out, run.err = out.getvalue(), err.getvalue()
    return run.out


def test_old_releases_are_deleted(site):
    """The releases to keep stay whole. What others have in common with them stays too."""
    first, second, third = publish(site, 3)
    before = set(site.contents())
    assert "0 files of old releases" in run("3", "--yes")
    with counted_requests(site.storage) as sent:
        found = json.loads(run("1", "--dry-run", "--json"))
    assert set(sent.methods) == {"GET"}
    assert set(site.contents()) == before
    wanted = {paths[name] for paths in (first, second) for name in ("img/a.png", "css/a.css")}
    planned = [step["name"] for step in found["plan"]]
    assert {name for name in planned if not is_copy(name)} == wanted
    # The manifests are the last.
    assert [is_copy(name) for name in planned] == [False] * 4 + [True] * 2
    with pytest.raises(CommandError, match="Delete these files") as caught:
        run("1")
    assert caught.value.returncode == 2
    assert "6 files of old releases" in run("1", "--yes")
    assert before - set(site.contents()) == set(planned)
    assert set(third.values()) <= set(site.contents())
    assert len([name for name in site.contents() if is_copy(name)]) == 1


def test_files_younger_than_an_hour_stay(site, monkeypatch):
    """Another deployment may have sent them just now."""
    monkeypatch.undo()
    publish(site, 3)
    assert find_outdated(site.storage, 1) == []


def test_a_release_that_is_published_during_the_question(site, monkeypatch):
    """Its files stay: the plan is made once more after the answer."""
    first, _, _ = publish(site, 3)

    def confirm(self, question):
        site.write({"img/a.png": "release 0"}).collect()

    monkeypatch.setattr("s3store.management.verbs.verb.Output.confirm", confirm)
    run("1")
    assert set(first.values()) <= set(site.contents())


def test_manifests_stay_while_a_file_of_theirs_does(site, s3_options):
    """Without them, no later run would find the file."""
    publish(site, 3)
    refused = []

    def respond(method, target, headers):
        if method != "POST" or "delete" not in target:
            return None
        entry = f"<Error><Key>{refused[0]}</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
        return 200, {"Content-Type": "application/xml"}, f"<DeleteResult>{entry}</DeleteResult>".encode()

    with FaultProxy(s3_options["endpoint_url"], respond=respond) as proxy:
        site.use(MANIFEST, AWS_S3_ENDPOINT_URL=proxy.url)
        found = find_outdated(site.storage, 1)
        refused.append(found[0].key)
        told = Told()
        done = prune(site.storage, found, watcher=told)
        assert ([failed.name for failed in done.failed], done.deleted) == ([found[0].name], 3)
        *deleted, (op, name, reason) = sorted(told.steps)
        assert deleted == [("delete", one.name, "") for one in found[1:4]]
        assert (op, name, "s3:DeleteObject" in reason) == ("fail", found[0].name, True)
        with pytest.raises(CommandError, match=r"s3:DeleteObject.*\nRun the command again"):
            run("1", "--yes")
        assert len([name for name in site.contents() if is_copy(name)]) == 3


def test_a_run_tells_of_each_file_and_counts_it(site, monkeypatch):
    """As many files in a request as S3 takes, and the manifests in one of their own."""
    publish(site, 3)
    monkeypatch.setattr(prune_module, "MAX_DELETE_KEYS", 3)
    found, told = find_outdated(site.storage, 1), Told()
    size = sum(one.size for one in found)
    with counted_requests(site.storage) as sent:
        done = prune(site.storage, found, watcher=told)
    assert (done.objects, done.deleted, done.size, done.failed) == (6, 6, size, [])
    assert told.expected == (6, size)
    assert sorted(told.steps) == sorted(("delete", one.name, "") for one in found)
    assert sent.methods == ["POST"] * 3
    assert done.requests == 3
    assert 0 < done.seconds < 600


@pytest.mark.parametrize(
    ("backend", "arguments", "said"),
    [
        (MANIFEST, ["0"], "Keep 1 release or more"),
        (MANIFEST, ["1"], "has no manifest"),
        (PLAIN, ["1"], "must be an S3ManifestStaticStorage"),
        (MANIFEST, ["1", "--storage", "media"], "must be a storage of static files"),
        ("bucket", ["1"], "has no location"),
    ],
    ids=["none", "no manifest", "no releases", "media", "whole bucket"],
)
def test_what_is_refused(site, settings, backend, arguments, said):
    """With exit status 2, before anything is deleted."""
    if backend == "bucket":
        site.use(MANIFEST, STATICFILES_LOCATION="")
    else:
        site.use(backend)
    settings.STORAGES = {**settings.STORAGES, "media": {"BACKEND": "s3store.storage.S3MediaStorage"}}
    with pytest.raises(CommandError, match=said) as caught:
        run(*arguments)
    assert caught.value.returncode == 2


def test_a_whole_bucket(site):
    """Only with the flag that says so."""
    site.use(MANIFEST, STATICFILES_LOCATION="")
    with pytest.raises(CommandError, match="has no manifest"):
        run("1", "--clear-bucket")


def test_a_refused_request_is_a_failure_of_its_files(site, s3_options):
    """The summary names them, and the manifests stay."""
    publish(site, 3)

    def respond(method, target, headers):
        refusal = (403, {"Content-Type": "application/xml"}, b"<Error><Code>AccessDenied</Code></Error>")
        return refusal if method == "POST" and "delete" in target else None

    with FaultProxy(s3_options["endpoint_url"], respond=respond) as proxy:
        site.use(MANIFEST, AWS_S3_ENDPOINT_URL=proxy.url)
        found = find_outdated(site.storage, 1)
        done = prune(site.storage, found, watcher=Told())
    assert done.deleted == 0
    assert {failed.name for failed in done.failed} == {each.name for each in found if not each.is_manifest}
    assert {failed.code for failed in done.failed} == {"AccessDenied"}
