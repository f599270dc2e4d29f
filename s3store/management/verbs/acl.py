"""manage.py s3 acl."""

from __future__ import annotations

from argparse import ArgumentParser

from s3store import errors
from s3store.core.parameters import OBJECT_ACLS
from s3store.core.units import printable
from s3store.management.verbs.changing import ChangingVerb
from s3store.management.verbs.places import add_places, add_recursive
from s3store.management.verbs.verb import add_dry_run, add_rules, add_work, add_yes
from s3store.operations.shell.facts import PUBLIC_ACLS, acl_of, change_acl, each_file


class Acl(ChangingVerb):
    """Prints and sets the ACLs of files."""

    help = "Print the access control lists (ACLs) of files, or set them."

    @staticmethod
    def add_arguments(parser: ArgumentParser) -> None:
        """Declare the arguments."""
        add_places(parser)
        parser.add_argument("--set", choices=OBJECT_ACLS, metavar="ACL", help=f"Set: {', '.join(OBJECT_ACLS)}.")
        add_recursive(parser)
        add_yes(parser)
        add_dry_run(parser)
        add_rules(parser)
        add_work(parser)

    def run(self) -> None:
        """Print the grants, or set the ACL."""
        wanted = self.options["set"]
        if wanted is None:
            self._show()
            return
        selections = self.selections()
        if wanted in PUBLIC_ACLS and any(each.is_many for each in selections) and not self.options["dry_run"]:
            everything = ", ".join(printable(str(each.place)) for each in selections)
            self.output.confirm(f"Give {everything} the ACL {wanted}, so that others can read these files?")
        self.finish(change_acl(selections, wanted, **self.how))

    def _show(self) -> None:
        found = []
        for each, name in each_file(self.selections(), recursive=self.options["recursive"], rules=self.rules):
            shown, grants = each.item.shown, acl_of(each.objects, name)
            self.line(printable(shown))
            for grant in grants:
                self.line(f"  {grant.permission:12}  {printable(grant.grantee)}")
            lines = [{"permission": grant.permission, "grantee": grant.grantee} for grant in grants]
            found.append({"place": shown, "name": name, "grants": lines})
        if self.is_json:
            self.document(files=found)

    def advice(self, code: str) -> str:
        """Return what to do where ACLs are disabled."""
        if errors.kind_of(code, None) is errors.AclNotSupportedError:
            return (
                "No other file was tried. To let everyone read a directory of this bucket, add it to the bucket "
                "policy: manage.py s3 setup --public-prefix PREFIX/"
            )
        return super().advice(code)
