"""manage.py s3 url."""

from __future__ import annotations

from argparse import ArgumentParser

from s3store.management.verbs.places import ShellVerb, add_places, add_recursive, seconds
from s3store.management.verbs.verb import add_json
from s3store.operations.shell.links import urls


class Url(ShellVerb):
    """Prints URLs of files."""

    help = "Print the URLs of files. Whoever has a signed URL can use it until it expires."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_places(parser)
        add_recursive(parser)
        help_text = "The lifetime of signed URLs: seconds, or 15m, 12h, 7d. Default: querystring_expire of the storage."
        parser.add_argument("--expire", type=seconds, metavar="TIME", help=help_text)
        help_text = "Let browsers save the file, under its own name or under NAME. Needs a signed URL."
        parser.add_argument("--download", nargs="?", const="", metavar="NAME", help=help_text)
        help_text = "The method that a signed URL allows, such as PUT or HEAD. Default: GET."
        parser.add_argument("--method", metavar="METHOD", help=help_text)
        which = parser.add_mutually_exclusive_group()
        help_text = "Sign the URLs. Default: querystring_auth of the storage."
        which.add_argument("--signed", action="store_true", default=None, help=help_text)
        which.add_argument("--public", action="store_false", dest="signed", help="Do not sign the URLs.")
        add_json(parser)

    def run(self) -> None:
        """Print a URL for each file."""
        options = self.options
        found = []
        try:
            for link in urls(
                self.places,
                recursive=options["recursive"],
                signed=options["signed"],
                expire=options["expire"],
                method=options["method"],
                download_as=options["download"],
            ):
                self.line(link.url)
                found.append({"place": link.name, "url": link.url})
        except ValueError as error:
            raise self.wrong(error) from error
        if self.is_json:
            self.document(urls=found)
