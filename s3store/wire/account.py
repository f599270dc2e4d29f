"""What AWS blocks for a whole account. AWS: the API reference of S3 Control, "GetPublicAccessBlock"."""

from __future__ import annotations

from django.views.decorators.debug import sensitive_variables

from s3store.conf.options import Options
from s3store.wire import client, sessions
from s3store.wire.settings import DENIED, NONE, SET, UNKNOWN, Setting

NAME = "account-public-access-block"

_SECONDS = 5
_FORBIDDEN = 403
_NOT_FOUND = 404


def account_in(arn: str) -> str:
    """Return the number of the account in an ARN, or "" if there is none."""
    return [*arn.split(":"), "", "", "", ""][4]


def policies_blocked(setting: Setting) -> list[str]:
    """Return the parts of Block Public Access that refuse or disable policies which make files public."""
    return [name for name in ("BlockPublicPolicy", "RestrictPublicBuckets") if setting.value.get(name)]


@sensitive_variables()
def account_block(options: Options, account: str) -> Setting:
    """Return Block Public Access of an account, by its number: one request to S3 Control, and none outside AWS.

    The permission is `s3:GetAccountPublicAccessBlock`: without it, the state is "denied".
    """
    if not account or options.anonymous or not sessions.is_on_aws(options):
        return Setting(name=NAME, state=UNKNOWN)
    try:
        control = client.get_other_client(options, "s3control", seconds=_SECONDS, use_ssl=options.use_ssl)
        value = control.get_public_access_block(AccountId=account)["PublicAccessBlockConfiguration"]
    except client.request_errors() as error:
        answer = getattr(error, "response", {})
        status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
        state = {_FORBIDDEN: DENIED, _NOT_FOUND: NONE}.get(status, UNKNOWN)
        code = answer.get("Error", {}).get("Code")
        return Setting(name=NAME, state=state, status=status, code=code, why=str(error))
    return Setting(name=NAME, state=SET, value=value)
