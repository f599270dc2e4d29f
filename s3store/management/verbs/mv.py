"""manage.py s3 mv."""

from __future__ import annotations

from argparse import ArgumentParser

from s3store.management.verbs.cp import Cp, add_transfer


class Mv(Cp):
    """Moves files: copies them, and deletes each source when its copy is complete."""

    help = "Move or rename files: copy each one, and delete it at its source when the copy is complete."
    moves = True

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_transfer(parser, "Move")
