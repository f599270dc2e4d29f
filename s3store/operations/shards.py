"""Plans for several machines that share one job: each takes the names of one range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from s3store.core.info import ObjectInfo
from s3store.core.keyrange import (
    MOST,
    KeyRange,
    ShardError,
    ShardPlan,
    parse_plan,
    parse_shard,
    plan_of_alphabet,
    plan_of_names,
)
from s3store.operations.places import Place, PlaceError
from s3store.operations.reports import Watcher
from s3store.wire.objects import Objects

__all__ = ["KeyRange", "ShardError", "ShardPlan", "plan_shards", "scan_shard", "shard_of"]

_LISTS_ALL = (
    "The server of {place} does not list the names after another one reliably: each shard lists all files, and then "
    "processes its own."
)


def plan_shards(
    place: Place, count: int, *, names: Iterable[str] | None = None, watcher: Watcher | None = None
) -> ShardPlan:
    """Return the plan whose shards have about the same number of the files in a directory of a storage.

    `names` are relative to the directory, and in any order. Default: one listing of it. Make the plan once, and give it
    to all machines. Raises PlaceError for a local place, and ShardError for a count that is not possible.
    """
    if not 1 <= count <= MOST:
        raise ShardError(f"{count} is not a number of shards. Give a number from 1 to {MOST}.")
    objects, path = _objects(place)
    if watcher and not objects.lists_ranges:
        watcher.warn(_LISTS_ALL.format(place=place))
    return plan_of_names(_relative(objects, path) if names is None else names, count)


def scan_shard(place: Place, within: KeyRange) -> Iterator[tuple[str, ObjectInfo]]:
    """Yield name and facts of the files of one shard. The names are relative to the place.

    On AWS, one request for 1,000 files of the shard; elsewhere, one for 1,000 files of the place. Raises PlaceError for
    a local place.
    """
    objects, path = _objects(place)
    cut = len(objects.prefix(path)) - len(objects.prefix(""))
    for name, info in objects.scan_range(path, within):
        yield name[cut:], info


def shard_of(text: str, *, plan: str | None = None, alphabet: str | None = None) -> KeyRange:
    """Return the range of a shard such as `2/8`, by a plan in JSON or by the name of an alphabet.

    Raises ShardError if neither or both are given, or if the plan has another number of shards.
    """
    number, count = parse_shard(text)
    if (plan is None) == (alphabet is None):
        raise ShardError("A shard needs either a plan, from manage.py s3 shards, or an alphabet: hex, uuid or alnum.")
    found = plan_of_alphabet(alphabet, count) if alphabet else parse_plan(plan or "")
    if found.count != count:
        raise ShardError(f"The plan has {found.count} shards, not {count}. Give I/{found.count}.")
    return found.shard(number)


def _relative(objects: Objects, path: str) -> Iterator[str]:
    prefix = len(objects.prefix(path))
    return (info.key[prefix:] for _, info in objects.scan(path))


def _objects(place: Place) -> tuple[Objects, str]:
    if place.storage is None:
        raise PlaceError(f"{place} is a local path. Give a directory of a storage, such as default:{place}.")
    return place.storage.objects, place.path
