"""The one model of this app: work on files that can take longer than a request."""

import uuid

from companies.models import Company
from django.conf import settings
from django.db import models
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

_ONE_REFUSED = "%(count)d file stayed because the server refused it."
_MANY_REFUSED = "%(count)d files stayed because the server refused them."
_ONE_TAKEN = "%(count)d file stayed: its name is taken."
_MANY_TAKEN = "%(count)d files stayed: their names are taken."


class Operation(models.Model):
    """A move, a copy, a deletion or an undo. All its state is here, so that any process can continue it.

    `sources` are paths in the company's folder, `target` is the folder that they go to. `targets` pairs each source
    with the path where it is now. `kept` is what the library needs to restore deleted files, and `since` what it needs
    to continue. Each of the `failures` is a path, a reason and a code.
    """

    class Verb(models.TextChoices):
        """What the operation does."""

        MOVE = "move", _("Move")
        COPY = "copy", _("Copy")
        DELETE = "delete", _("Delete")
        RESTORE = "restore", _("Restore")

    class State(models.TextChoices):
        """How far the operation is."""

        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="operations")
    verb = models.CharField(max_length=10, choices=Verb.choices)
    sources = models.JSONField(default=list)
    target = models.TextField(blank=True)
    arguments = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True)
    size = models.BigIntegerField(default=0)
    failures = models.JSONField(default=list)
    targets = models.JSONField(default=list)
    kept = models.JSONField(null=True)
    error = models.TextField(blank=True)
    since = models.DateTimeField(null=True)
    undoes = models.OneToOneField("self", on_delete=models.CASCADE, null=True, related_name="undone_by")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField(auto_now_add=True)
    runner = models.CharField(max_length=32, blank=True)
    heartbeat = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-started_at",)
        indexes = (models.Index(fields=("company", "state")),)

    def __str__(self) -> str:
        return self.summary

    @property
    def is_running(self) -> bool:
        """Return whether there is work left."""
        return self.state == self.State.RUNNING

    @property
    def folder_path(self) -> str:
        """Return the folder that the sources were in."""
        return self.sources[0].rstrip("/").rpartition("/")[0] if self.sources else ""

    @property
    def percent(self) -> int | None:
        """Return how much is done, or None while the number of files is not known."""
        return min(100, 100 * self.done // self.total) if self.total else None

    @property
    def can_undo(self) -> bool:
        """Return whether the operation can be undone, and was not."""
        if self.state != self.State.DONE or not self.done or self.undoes_id or hasattr(self, "undone_by"):
            return False
        if self.verb == self.Verb.DELETE:
            return self.kept is not None
        return bool(self.targets) and not self.arguments.get("merge")

    @property
    def summary(self) -> str:
        """Return in a sentence what was done, or is being done."""
        if self.state == self.State.FAILED:
            return self.error or gettext("The files could not be changed.")
        if self.is_running:
            return self._so_far()
        sentence = self._done()
        return f"{sentence} {self._stayed()}" if self.failed else sentence

    def _stayed(self) -> str:
        if self.taken:
            one, many = _ONE_TAKEN, _MANY_TAKEN
        else:
            one, many = _ONE_REFUSED, _MANY_REFUSED
        return ngettext(one, many, self.failed) % {"count": self.failed}

    @property
    def taken(self) -> list[str]:
        """Return the paths that stayed because their names are taken in the target."""
        return [path for path, _reason, code in self.failures if code == "exists"]

    def _so_far(self) -> str:
        if self.total is None:
            return gettext("Counting the files …")
        return gettext("%(done)d of %(total)d files") % {"done": self.done, "total": self.total}

    def _done(self) -> str:
        if self.arguments.get("rename"):
            return gettext("Renamed to “%(name)s”.") % {"name": self.arguments["name"]}
        count = {"count": self.done}
        if self.undoes_id:
            return (
                gettext("Undone.")
                if not self.done
                else ngettext("Undone: %(count)d file is back.", "Undone: %(count)d files are back.", self.done) % count
            )
        texts = {
            "move": ngettext("%(count)d file moved.", "%(count)d files moved.", self.done),
            "copy": ngettext("%(count)d file copied.", "%(count)d files copied.", self.done),
            "delete": ngettext("%(count)d file deleted.", "%(count)d files deleted.", self.done),
            "restore": ngettext("%(count)d file restored.", "%(count)d files restored.", self.done),
        }
        return texts[self.verb] % count
