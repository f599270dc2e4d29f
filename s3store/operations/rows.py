"""The rows of a project that name files: every FileField of every model, in every database."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from django.db import DatabaseError, connections, models, router

from s3store.storage import S3Storage
from s3store.uploads.destinations import unwrapped
from s3store.wire.objects import Objects

__all__ = ["Column", "Row", "RowsError", "columns", "name_at", "name_in", "rows"]

_CHUNK = 2000


class RowsError(Exception):
    """The rows of a model cannot be read, so that nobody knows which files they name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row that names a file. `name` is what the column of `field` contains; it is never empty.

    `model` and `field` are those of the table, `database` is an alias of DATABASES, and `pk` the primary key.
    """

    model: type[models.Model]
    field: models.Field[Any, Any]
    database: str
    pk: Any
    name: str

    def __str__(self) -> str:
        return f"{self.model._meta.label} {self.pk} ({self.field.name})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column with names of files, in one database.

    `storage` contains the files, or is None if each row can have another one.
    """

    model: type[models.Model]
    field: models.Field[Any, Any]
    database: str
    storage: Any

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.field.name}"

    def rows(self) -> Iterator[Row]:
        """Yield the rows that name a file, in the order of their primary keys. Raises RowsError.

        All rows are read, whatever the managers of the model leave out.
        """
        found = self._all().order_by("pk").values_list("pk", self.field.attname)
        try:
            for pk, value in found.iterator(chunk_size=_CHUNK):
                for name in _names(value):
                    yield Row(model=self.model, field=self.field, database=self.database, pk=pk, name=name)
        except DatabaseError as error:
            raise self._unreadable(error) from error

    def named(self, names: Collection[str]) -> set[str]:
        """Return those of the names that the column contains now: one query for 500. Raises RowsError."""
        wanted = set(names)
        if hasattr(self.field, "base_field"):
            # A list of names cannot be compared with one.
            return {row.name for row in self.rows() if row.name in wanted}
        found: set[str] = set()
        listed = list(names)
        try:
            for start in range(0, len(listed), 500):
                some = self._all().filter(**{f"{self.field.attname}__in": listed[start : start + 500]})
                # Some columns do not distinguish A from a, or a with a space from a. S3 does.
                values = some.values_list(self.field.attname, flat=True)
                found.update(name for value in values for name in _names(value) if name in wanted)
        except DatabaseError as error:
            raise self._unreadable(error) from error
        return found

    def rename(self, pk: Any, name: str, new: str) -> int:
        """Let a row name a file as `new`, if it still names it as `name`. Returns the number of rows: 0 or 1.

        Neither `save` nor signals run. Raises DatabaseError, and RowsError for a list of names.
        """
        if hasattr(self.field, "base_field"):
            raise RowsError(f"{self} contains lists of names. Change the row yourself.")
        found = self._all().filter(pk=pk, **{self.field.attname: name})
        count: int = found.update(**{self.field.attname: new})
        return count

    def _all(self) -> models.QuerySet[Any]:
        return models.QuerySet(self.model, using=self.database)

    def _unreadable(self, error: DatabaseError) -> RowsError:
        table = self.model._meta.db_table
        return RowsError(
            f"The table {table!r} of {self.model._meta.label} cannot be read in the database {self.database!r}: {error}"
        )


def columns() -> Iterator[Column]:
    """Yield all columns with names of files, of all models and databases.

    These are FileFields and their subclasses, lists of them, and the copies of them that django-simple-history makes.
    Proxies have the columns of their models, and models that inherit a table have them once. A model without a table in
    a database has no columns there.
    """
    tables: dict[str, set[str]] = {}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy:
            continue
        for field in model._meta.local_fields:
            if original := _original(model, field):
                for alias in connections:
                    if _has_table(alias, model, tables):
                        yield Column(model=model, field=field, database=alias, storage=_storage_of(original))


def rows() -> Iterator[Row]:
    """Yield all rows that name a file. Raises RowsError."""
    for column in columns():
        yield from column.rows()


def name_in(objects: Objects, column: Column, name: str) -> str | None:
    """Return the name that a file of a column has in a storage, or None if its files are elsewhere.

    Two storages with the same bucket can have the same files, under other names if their locations differ. The files of
    a storage that is not known can be anywhere.
    """
    there = _objects_of(column, objects)
    if there is None:
        return None
    try:
        return objects.name(there.key(name))
    except SuspiciousFileOperation:
        try:
            # No storage would open such a name. Code that does not ask a storage may have written it.
            return objects.name(there.key(name.lstrip("/")))
        except SuspiciousFileOperation:
            return None


def name_at(objects: Objects, column: Column, key: str) -> str | None:
    """Return the name that rows of a column have for the object at a key of a storage, or None if there is none."""
    there = _objects_of(column, objects)
    return there.name(key) if there else None


def _objects_of(column: Column, objects: Objects) -> Objects | None:
    """Return the storage of a column if it can have files in the bucket of `objects`."""
    storage = column.storage
    if isinstance(storage, S3Storage):
        there = storage.objects
        return there if there.may_share_bucket(objects) else None
    return None if type(storage) in (FileSystemStorage, InMemoryStorage) else objects


def _names(value: Any) -> Iterator[str]:
    """Yield the names in a value: a name, a file that a custom field makes of it, or a list of these."""
    if isinstance(value, list | tuple | set):
        for each in value:
            yield from _names(each)
        return
    name = value if isinstance(value, str) else getattr(value, "name", None)
    if name and isinstance(name, str):
        yield name


def _file_field(field: Any) -> models.FileField | None:
    """Return the FileField that a field is, or that the items of its lists are."""
    inner = field
    while inner is not None and not isinstance(inner, models.FileField):
        inner = getattr(inner, "base_field", None)
    return inner


def _original(model: type[models.Model], field: Any) -> models.FileField | None:
    """Return the FileField whose names a field contains, or None."""
    if found := _file_field(field):
        return found
    # django-simple-history: its models keep the names in text fields, and this attribute is the model they follow.
    followed = getattr(model, "instance_type", None)
    if isinstance(followed, type) and issubclass(followed, models.Model):
        same = next((each for each in followed._meta.get_fields() if each.name == field.name), None)
        return _file_field(same)
    return None


def _storage_of(field: models.FileField) -> Any:
    """Return the storage of all files of a field, or None if its files choose theirs."""
    chosen = inspect.getattr_static(field.attr_class, "storage", None)
    return None if chosen is not None else unwrapped(field.storage)


def _has_table(alias: str, model: type[models.Model], tables: dict[str, set[str]]) -> bool:
    """Return whether a database has the table of a model. Replicas of others have the same rows, perhaps later."""
    if alias in (router.db_for_write(model), router.db_for_read(model)) and model._meta.managed:
        return True
    connection = connections[alias]
    if connection.settings_dict["TEST"]["MIRROR"]:
        return False
    table = model._meta.db_table
    if '"' in table:
        # A table of another schema is not among those of the connection.
        return alias == router.db_for_write(model)
    if alias not in tables:
        try:
            tables[alias] = {name.casefold() for name in connection.introspection.table_names(include_views=True)}
        except DatabaseError as error:
            raise RowsError(f"The tables of the database {alias!r} cannot be listed: {error}") from error
    return connection.introspection.identifier_converter(table).casefold() in tables[alias]
