"""Set up a bucket: compare its settings with what the project needs, and write the difference.

A plan sends only reads. Statements and rules of others stay, nothing is made less strict except for public prefixes,
and what the server does not accept is an error. AWS: "Security best practices for Amazon S3".
"""

from s3store.core.policies.merge import Change
from s3store.operations.setup.applying import apply
from s3store.operations.setup.planning import Plan, plan
from s3store.operations.setup.wishes import SetupError, Wishes, wanted_cors, wanted_iam, wanted_lifecycle, wanted_policy

__all__ = [
    "Change",
    "Plan",
    "SetupError",
    "Wishes",
    "apply",
    "plan",
    "wanted_cors",
    "wanted_iam",
    "wanted_lifecycle",
    "wanted_policy",
]
