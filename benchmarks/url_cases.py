"""The measurements of URLs: one function for each case. Requests to the bucket are counted, and there are none."""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

from benchmarks.jobs import Job, Measured, expect
from benchmarks.peers import DOMAIN, HOST, LOCATION

NAMES = 1000
_LEAST_ROUNDS = 5


def signed_url(job: Job) -> Measured:
    return _urls(job, "signed", f"https://{HOST}", marks=("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Expires=3600"))


def public_url(job: Job) -> Measured:
    return _urls(job, "public", f"https://{HOST}")


def domain_url(job: Job) -> Measured:
    return _urls(job, "domain", f"https://{DOMAIN}")


def cloudfront_url(job: Job) -> Measured:
    found = _urls(job, "cloudfront", f"https://{DOMAIN}", marks=("Expires=", "Signature=", "Key-Pair-Id="))
    if not found:
        return {}
    storage = _storage(job, "cloudfront")
    names = _names(0)
    return {**found, "again": _repeated(job, lambda _: _seconds_for(storage, names))}


def page(job: Job) -> Measured:
    """Measure a page of thumbnails: the additional time of URLs, compared with strings in the same page."""
    sent = _requests()
    storage = _storage(job, "signed")
    photo = _model(storage)
    photos = [photo(file=name) for name in _names(0)]
    strings = [SimpleNamespace(file=SimpleNamespace(url=photo.file.url)) for photo in photos]
    render = _template()
    expect(len(render(photos)), len(render(strings)))

    def added(_: int) -> float:
        return _timed(lambda: render(photos)) - _timed(lambda: render(strings))

    seconds = _repeated(job, added)
    first, second, third = (_a_second_later(lambda: render(photos)) for _ in range(3))
    # The end of a window can be between two of the three, but not twice.
    changed = min(_changed(first, second), _changed(second, third))
    return {"seconds": seconds, "changed": changed, "requests": len(sent)}


CASES = (signed_url, public_url, domain_url, cloudfront_url, page)


# Parts of cases


def _storage(job: Job, kind: str) -> Any:
    storage = job.peer.make_for_urls(job.place, kind)
    if storage is not None:
        storage.url("warm.bin")
    return storage


def _urls(job: Job, kind: str, base: str, marks: tuple[str, ...] = ()) -> Measured:
    """Return the seconds for a URL, for names without and with characters to quote.

    All names are different, so that caches of URLs have no effect.
    """
    storage = _storage(job, kind)
    if storage is None:
        return {}
    for name in (*_names(0), *_names(0, quoted=True)):
        path, _, query = storage.url(name).partition("?")
        expect(unquote(path), f"{base}/{LOCATION}/{name}")
        expect([mark for mark in marks if mark not in query], [])
        expect(bool(query), bool(marks))
    return {
        "seconds": _repeated(job, lambda round_: _seconds_for(storage, _names(round_))),
        "quoted": _repeated(job, lambda round_: _seconds_for(storage, _names(round_, quoted=True))),
    }


def _names(round_: int, *, quoted: bool = False) -> list[str]:
    """Return realistic names: the same in all processes, and different ones in each round."""
    dice = random.Random(round_)
    pattern = (
        "galerien/Frühjahr {year}/{month:02}/Ansicht von Süden {id:08x} (groß).jpg"
        if quoted
        else "photos/{year}/{month:02}/{id:08x}-thumbnail-400x300.jpg"
    )
    return [
        pattern.format(year=dice.randint(2015, 2026), month=dice.randint(1, 12), id=dice.getrandbits(32))
        for _ in range(NAMES)
    ]


def _seconds_for(storage: Any, names: list[str]) -> float:
    def make_all() -> None:
        for name in names:
            storage.url(name)

    return _timed(make_all) / len(names)


def _timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _repeated(job: Job, seconds_of: Callable[[int], float]) -> float:
    """Return the median time of rounds, which are numbered from 1, without the first."""
    seconds_of(1)
    durations: list[float] = []
    deadline = time.perf_counter() + job.seconds
    while time.perf_counter() < deadline or len(durations) < _LEAST_ROUNDS:
        durations.append(seconds_of(len(durations) + 2))
    return statistics.median(durations)


def _model(storage: Any) -> Any:
    from django.db import models

    class Photo(models.Model):
        file = models.FileField(storage=storage, max_length=200)

        class Meta:
            app_label = "benchmarks"

        def __str__(self) -> str:
            return str(self.file)

    return Photo


def _template() -> Callable[[list[Any]], str]:
    from django.template import Context, Engine

    source = '{% for photo in photos %}<li><img src="{{ photo.file.url }}" alt=""></li>\n{% endfor %}'
    template = Engine().from_string(source)
    return lambda photos: template.render(Context({"photos": photos}))


def _changed(before: str, after: str) -> int:
    return sum(a != b for a, b in zip(before.splitlines(), after.splitlines(), strict=True))


def _a_second_later(action: Callable[[], str]) -> str:
    time.sleep(1.1)
    return action()


def _requests() -> list[str]:
    """Return a list that collects all later DNS look-ups and connections."""
    events: list[str] = []

    def note(event: str, _: object) -> None:
        if event in ("socket.getaddrinfo", "socket.connect"):
            events.append(event)

    sys.addaudithook(note)
    return events
