"""Model fields for files that browsers upload straight to the bucket, and that have the methods of S3Storage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, cast

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import File
from django.db import models, transaction
from django.db.models.fields.files import (
    FieldFile,
    FileDescriptor,
    FileField,
    ImageField,
    ImageFieldFile,
    ImageFileDescriptor,
)
from django.http import HttpRequest

from s3store import forms, widgets
from s3store.core.info import Grant, Stat
from s3store.core.urls import key_in_url
from s3store.links.links import Links
from s3store.storage import S3Storage
from s3store.uploads.after_commit import named_by_row, pending_of, schedule, schedule_in_bulk
from s3store.uploads.destinations import Destination, is_logged_in, unwrapped
from s3store.uploads.incoming import IncomingFile

__all__ = ["S3FieldFile", "S3FileField", "S3ImageField", "S3ImageFieldFile"]


class S3FieldFile(FieldFile):
    """The value of an S3FileField: Django's FieldFile, with methods of S3Storage.

    Without a file, they raise ValueError, as FieldFile does.
    """

    _committed: bool

    @property
    def _s3(self) -> S3Storage:
        self._require_file()  # type: ignore[attr-defined]
        return cast("S3Storage", self.storage)

    @property
    def _stored_name(self) -> str:
        return cast("str", self.name)

    def get_url(
        self,
        expire: int | timedelta | None = None,
        *,
        signed: bool | None = None,
        download_as: str | None = None,
        content_type: str | None = None,
        inline: bool = False,
    ) -> str:
        """Return the URL. The arguments are those of `S3Storage.url`."""
        return self._s3.url(
            self._stored_name,
            expire=expire,
            signed=signed,
            download_as=download_as,
            content_type=content_type,
            inline=inline,
        )

    def stat(self) -> Stat:
        """Return what S3 knows about the file. Always sends a request."""
        return self._s3.stat(self._stored_name)

    def get_metadata(self) -> dict[str, str]:
        """Return the user metadata: one request."""
        return self._s3.get_metadata(self._stored_name)

    def set_metadata(self, metadata: dict[str, str]) -> None:
        """Replace the user metadata."""
        self._s3.set_metadata(self._stored_name, metadata)

    def get_acl(self) -> tuple[Grant, ...]:
        """Return the grants of the ACL."""
        return self._s3.get_acl(self._stored_name)

    def set_acl(self, acl: str) -> None:
        """Replace the ACL with a canned ACL."""
        self._s3.set_acl(self._stored_name, acl)

    def download_to(self, target: IO[bytes]) -> int:
        """Write the content to an open binary file, and return the number of bytes."""
        return self._s3.download_to(self._stored_name, target)

    def download_path(self, path: str | os.PathLike[str]) -> Path:
        """Download the file to a local path, and return the path. The local file appears complete or not at all."""
        return self._s3.download_path(self._stored_name, path)

    def save(self, name: str, content: File[Any], save: bool = True) -> None:
        """Save the content as the file of the field.

        A direct upload is copied inside S3, and deleted once the row is committed.
        """
        super().save(name, content, save=False)
        if isinstance(content, IncomingFile):
            pending_of(self.instance).tasks.append(content.discard)
        if save:
            self.instance.save()

    def __getstate__(self) -> Any:
        if isinstance(getattr(self, "_file", None), IncomingFile) and not self._committed:
            raise TypeError("A row with an upload that is not saved yet cannot be pickled. Save it first.")
        return super().__getstate__()


class S3FileDescriptor(FileDescriptor):
    """The attribute of a model for an S3FileField: it also takes the URL of a file in the storage."""

    def __set__(self, instance: Any, value: Any) -> None:
        if isinstance(value, str) and _looks_like_url(value):
            value = self.field.name_in_url(value) or value
        super().__set__(instance, value)


class S3FileField(FileField):
    """A FileField whose files browsers upload straight to the bucket. Its storage should be an S3Storage.

    `max_size`, `min_size`
        The size of a file in bytes. Default for `max_size`: the option `max_upload_size` of the storage.
    `accept`
        Extensions, types and groups of types: `(".pdf", "image/*")`. Empty: everything that no browser runs.
    `permission`
        A function of the request that returns True if its client may upload. Default: who is logged in.
    `throttle`
        A function of the request that returns None, or the seconds to wait until the next upload.
    `delete_replaced`
        Delete a file when the row gets another one or none: after commit, and if no other row names it.
    `delete_with_row`
        Delete the file when its row is deleted: after commit, and if no other row names it.

    A file stays if any row names it in a FileField with the same bucket: one query for each of these columns, which
    should have an index in large tables. The default of the field stays too. `QuerySet.update` and `bulk_update` delete
    no files, and raise TypeError for an upload that was not saved.

    These arguments do not change the database, and are not in migrations. The others are those of Django's FileField.
    With a storage that is not an S3Storage, files are uploaded through Django.
    """

    attr_class = S3FieldFile
    descriptor_class = S3FileDescriptor

    def __init__(
        self,
        *args: Any,
        max_size: int | None = None,
        min_size: int = 0,
        accept: Iterable[str] = (),
        permission: Callable[[HttpRequest], bool] = is_logged_in,
        throttle: Callable[[HttpRequest], float | None] | None = None,
        delete_replaced: bool = False,
        delete_with_row: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(accept, str):
            raise TypeError(f"accept must be a tuple: ({accept!r},).")
        self.max_size, self.min_size, self.accept = max_size, min_size, tuple(accept)
        self.permission, self.throttle = permission, throttle
        self.delete_replaced, self.delete_with_row = delete_replaced, delete_with_row

    @property
    def destination(self) -> Destination | None:
        """What may be uploaded to the field: None if its storage is not an S3Storage."""
        storage = unwrapped(self.storage)
        if not isinstance(storage, S3Storage):
            return None
        return Destination(
            storage=storage,
            max_size=self.max_size,
            min_size=self.min_size,
            accept=self.accept,
            permission=self.permission,
            throttle=self.throttle,
            max_length=self.max_length,
            fits=self._fits,
        )

    def _fits(self, name: str) -> bool:
        """Return whether a row can name a file that clients call `name`. If code decides on the name: always."""
        if callable(self.upload_to) or type(self).generate_filename is not FileField.generate_filename:
            return True
        storage: Any = unwrapped(self.storage)
        try:
            wanted = self.generate_filename(cast("models.Model", None), name)  # the row does not exist yet
            if type(storage).get_available_name is S3Storage.get_available_name:
                wanted = storage._fitting(wanted, self.max_length)
            storage.objects.key(wanted)
        except SuspiciousFileOperation:
            return False
        return True

    def name_in_url(self, url: str) -> str | None:
        """Return the name of the file at a URL of the storage, or None for any other URL. Sends no request."""
        storage = unwrapped(self.storage)
        if not isinstance(storage, S3Storage):
            return None
        objects = storage.objects
        key = key_in_url(url, objects.of(Links).bases)
        return objects.name(key) if key else None

    def from_url(self, url: str) -> str:
        """Return the name of the file at a URL of the storage. Sends no request.

        Raises SuspiciousFileOperation for any other URL.
        """
        name = self.name_in_url(url)
        if name is None:
            raise SuspiciousFileOperation(f"{url!r} is not the URL of a file in the storage of {self}.")
        return name

    def contribute_to_class(self, cls: type[models.Model], name: str, **kwargs: Any) -> None:  # type: ignore[override]
        super().contribute_to_class(cls, name, **kwargs)
        if not cls._meta.abstract:
            models.signals.class_prepared.connect(self._watch)
            # A field that is added to a finished model is not prepared again.
            self._watch(cls)

    def _watch(self, sender: type[models.Model], **_: Any) -> None:
        """Watch the rows of the model, of its proxies and of models that inherit from it. Signals name their class."""
        if not issubclass(sender, self.model):
            return
        models.signals.pre_save.connect(self._row_saving, sender=sender)
        models.signals.post_save.connect(self._row_saved, sender=sender)
        # Deleting a row of a model that inherits deletes a row of this model, with a signal of its own.
        if self.delete_with_row and sender._meta.concrete_model is self.model:
            models.signals.pre_delete.connect(self._row_deleting, sender=sender)

    def formfield(self, **kwargs: Any) -> Any:
        """Return the form field, whose widget uploads directly."""
        if self.destination is None:
            return super().formfield(**kwargs)
        widget = kwargs.get("widget")
        kind = widget if isinstance(widget, type) else type(widget)
        # The admin names its own widget for every FileField.
        if kind.__name__ == "AdminFileWidget":
            kwargs["widget"] = widgets.AdminS3FileInput
        label = f"{self.model._meta.label}.{self.name}"
        return super().formfield(**{"form_class": self._form_class, "destination": label, **kwargs})

    _form_class: type[forms.S3FileField] = forms.S3FileField

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Save the file, and delete the one that it replaces once the row is committed."""
        value = model_instance.__dict__.get(self.attname)
        if _looks_like_url(str(value or "")):
            raise SuspiciousFileOperation(f"{value!r} is not the URL of a file in the storage of {self}.")
        # Read from the database: the instance can be older, or never have been loaded.
        old = named_by_row(self, model_instance) if self.delete_replaced and not add else None
        file = super().pre_save(model_instance, add)
        if old is not None and old.name != file.name:
            pending_of(model_instance).tasks.append(old.delete)
        return file

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """Return what the row stores, the name. Raises TypeError for an upload that was not saved."""
        unsaved = getattr(value, "_file", None) if not getattr(value, "_committed", True) else value
        if isinstance(unsaved, IncomingFile):
            raise TypeError(
                f"QuerySet.update and bulk_update cannot save the upload {unsaved.name!r} of {self}: they write only a "
                f"name. Call {self.name}.save(name, file, save=False) on the row first, or save() on the row."
            )
        if isinstance(value, S3FieldFile):
            schedule_in_bulk(value.instance, connection)
        return super().get_db_prep_save(value, connection)

    def _row_saving(self, instance: models.Model, using: str, **_: Any) -> None:
        pending_of(instance).using = using

    def _row_saved(self, instance: models.Model, using: str, **_: Any) -> None:
        schedule(instance, using)

    def _row_deleting(self, instance: models.Model, using: str, **_: Any) -> None:
        found = named_by_row(self, instance, using)
        if found is not None:
            transaction.on_commit(found.delete, using=using, robust=True)


class S3ImageFieldFile(S3FieldFile, ImageFieldFile):
    """The value of an S3ImageField: an S3FieldFile with `width` and `height`.

    If the row has fields for both, no request is needed for them.
    """

    def save(self, name: str, content: File[Any], save: bool = True) -> None:
        """Save the content as the file of the field, with its dimensions."""
        # What was assigned was measured then: reading it again would cost a request.
        measured = not self._committed and content is getattr(self, "_file", None)
        super().save(name, content, save=False)
        if not measured:
            setattr(self.instance, self.field.attname, content)
            self._set_instance_attribute(self.name, content)
        if save:
            self.instance.save()

    def _set_instance_attribute(self, name: Any, content: Any) -> None:  # noqa: ARG002 (Django's arguments)
        self.instance.__dict__[self.field.attname] = name

    def _get_image_dimensions(self) -> Any:
        stored = self.field.stored_dimensions(self.instance) if self._committed else (None, None)
        return stored if all(stored) else super()._get_image_dimensions()  # type: ignore[misc]


class S3ImageDescriptor(S3FileDescriptor, ImageFileDescriptor):
    """The attribute of a model for an S3ImageField."""

    def __set__(self, instance: Any, value: Any) -> None:
        before = instance.__dict__.get(self.field.attname)
        stored = isinstance(value, str) or getattr(value, "_committed", False)
        if stored and before == value:
            # The file is the same: unchanged forms assign it, and Django 4.2 after saving. Do not read it again.
            instance.__dict__[self.field.attname] = value
            return
        super().__set__(instance, value)
        if before is None and not stored and not instance._state.adding:
            # The field was deferred: Django takes this for the creation of an instance.
            self.field.update_dimension_fields(instance, force=True)


class S3ImageField(S3FileField, ImageField):
    """An S3FileField for images. With `width_field` and `height_field` showing an image needs no request.

    The dimensions are stored when a file or a name is assigned to a row. Rows that are created or loaded with a name
    keep the dimensions that they have: loading a row never reads its image. Needs Pillow.
    """

    attr_class = S3ImageFieldFile
    descriptor_class = S3ImageDescriptor
    description = ImageField.description
    _form_class = forms.S3ImageField

    width_field: str | None
    height_field: str | None

    def _watch(self, sender: type[models.Model], **kwargs: Any) -> None:
        super()._watch(sender, **kwargs)
        if issubclass(sender, self.model) and (self.width_field or self.height_field):
            models.signals.post_init.connect(self.update_dimension_fields, sender=sender)

    def stored_dimensions(self, instance: models.Model) -> tuple[Any, Any]:
        """Return width and height in pixels as the row has them: None where it has none."""
        names = (self.width_field, self.height_field)
        width, height = (getattr(instance, name) if name else None for name in names)
        return width, height

    def update_dimension_fields(self, instance: models.Model, force: bool = False, *args: Any, **kwargs: Any) -> None:
        """Store the dimensions of an assigned file or name. Rows that are loaded are not changed."""
        value = instance.__dict__.get(self.attname)
        if not force and (isinstance(value, str) or getattr(value, "_committed", False)):
            return
        if isinstance(value, S3ImageFieldFile) and value.field is self and value and value.instance is not instance:
            # refresh_from_db assigns the file of another instance of the row.
            self._store(instance, *self.stored_dimensions(value.instance))
            return
        if value and force:
            self._store(instance, None, None)
        super().update_dimension_fields(instance, force, *args, **kwargs)

    def _store(self, instance: models.Model, width: Any, height: Any) -> None:
        for name, value in ((self.width_field, width), (self.height_field, height)):
            if name:
                setattr(instance, name, value)


def _looks_like_url(value: str) -> bool:
    return "://" in value or value.startswith("//")
