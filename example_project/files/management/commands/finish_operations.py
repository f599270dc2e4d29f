"""Finishes the moves, copies and deletions that a page has left: for cron, where there is no worker."""

from django.core.management.base import BaseCommand

from files.models import Operation
from files.tasks import finish


class Command(BaseCommand):
    """Finish what is left of operations on files."""

    help = "Finish moves, copies and deletions whose pages were closed."

    def handle(self, **options: object) -> None:  # noqa: ARG002
        """Work on each running operation, the oldest first."""
        for operation in Operation.objects.filter(state=Operation.State.RUNNING).order_by("started_at"):
            try:
                state = finish(str(operation.pk))
            except OSError as error:
                # Refused before anything was changed: the member may no longer do it.
                state = f"refused ({error})"
            self.stdout.write(f"{operation.pk}: {state}")
