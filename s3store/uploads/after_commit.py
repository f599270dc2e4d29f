"""What remains to be done once a row is committed: delete uploads that were copied, and files that no row names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import Storage
from django.db import connections, models, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from s3store.storage import S3Storage
from s3store.uploads.destinations import unwrapped
from s3store.wire.objects import Objects

_ATTRIBUTE = "_s3store_pending"


class Pending:
    """What a save leaves to do after its commit. It belongs to one instance: a pickle of the instance has none.

    A save without a transaction commits when the row is written. So nothing is done before: the row could be refused.
    """

    def __init__(self) -> None:
        self.using: str | None = None
        self.tasks: list[Callable[[], object]] = []

    def __reduce__(self) -> tuple[Any, ...]:
        return Pending, ()


def pending_of(instance: models.Model) -> Pending:
    """Return what is to do after the commit of an instance."""
    found: Pending = instance.__dict__.setdefault(_ATTRIBUTE, Pending())
    return found


def schedule(instance: models.Model, using: str) -> None:
    """Do what is pending after the commit of the transaction, or now outside a transaction. Errors are logged."""
    pending: Pending | None = instance.__dict__.pop(_ATTRIBUTE, None)
    for task in pending.tasks if pending else ():
        transaction.on_commit(task, using=using, robust=True)


def schedule_in_bulk(instance: models.Model, connection: BaseDatabaseWrapper) -> None:
    """Do what is pending after the commit of a `bulk_create` or `bulk_update`, which send no signals.

    Without a transaction nothing says when the row is written: then it is left to the next save of the instance, or to
    the lifecycle rule of the bucket.
    """
    pending: Pending | None = instance.__dict__.get(_ATTRIBUTE)
    if pending is not None and pending.using is None and connection.in_atomic_block:
        schedule(instance, connection.alias)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A file that a row named in the column of `field`.

    `key` is its key in the bucket of `objects`, the options when the row was saved: both are None in other storages.
    """

    field: models.FileField
    name: str
    using: str
    objects: Objects | None = None
    key: str | None = None

    def delete(self) -> None:
        """Delete the file, unless it is the default of the field or a row names it."""
        field: Any = self.field
        if self.name in (field.get_default(), getattr(field, "db_default", None)):
            return
        # The tenant of the row can have another location than the tenant at the time of the commit.
        options: AbstractContextManager[None] = self.objects.pinned() if self.objects else nullcontext()
        with options:
            if not any(map(self._is_named_by, _file_fields())):
                field.storage.delete(self.name)

    def _is_named_by(self, field: models.FileField) -> bool:
        """Return whether a row names the file in the column of this field, in any database."""
        names = self._names_in(unwrapped(field.storage))
        return bool(names) and any(
            models.QuerySet(field.model, using=alias).filter(**{f"{field.attname}__in": names}).exists()
            for alias in connections
            if (field.model is self.field.model and alias == self.using) or _may_have_rows(alias, field.model)
        )

    def _names_in(self, storage: Storage) -> set[str]:
        """Return the names under which another storage knows the file."""
        if storage == unwrapped(self.field.storage):
            return {self.name}
        if self.objects is None or self.key is None or not isinstance(storage, S3Storage):
            return set()
        there = storage.objects
        name = there.name(self.key) if there.shares_bucket(self.objects) else None
        return {name} if name else set()


def named_by_row(field: models.FileField, instance: models.Model, using: str | None = None) -> Leftover | None:
    """Return the file that the row of an instance names in the database, or None."""
    model: Any = field.model
    using = using or pending_of(instance).using or instance._state.db or router.db_for_write(model)
    rows = models.QuerySet(model, using=using).filter(pk=getattr(instance, model._meta.pk.attname))
    name = rows.values_list(field.attname, flat=True).first()
    if not name:
        return None
    storage = unwrapped(field.storage)
    if not isinstance(storage, S3Storage):
        return Leftover(field=field, name=name, using=using)
    objects = storage.objects
    try:
        return Leftover(field=field, name=name, using=using, objects=objects, key=objects.key(name))
    except SuspiciousFileOperation:
        # Not written by this storage, which refuses such names.
        return None


def _file_fields() -> Iterator[models.FileField]:
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.proxy:
            yield from (field for field in model._meta.local_fields if isinstance(field, models.FileField))


def _may_have_rows(alias: str, model: type[models.Model]) -> bool:
    """Return whether a database has the table of a model. Replicas of others have the same rows, perhaps later."""
    if alias == router.db_for_write(model) and model._meta.managed:
        return True
    connection = connections[alias]
    if connection.settings_dict["TEST"]["MIRROR"] or not router.allow_migrate_model(alias, model):
        return False
    table = connection.introspection.identifier_converter(model._meta.db_table)
    return table in connection.introspection.table_names(include_views=True)
