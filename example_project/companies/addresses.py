"""The key by which two spellings of an e-mail address are one person."""

import string

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def email_key(address: str) -> str:
    """Return the key of an e-mail address: the local part with ASCII letters in lower case, and the domain in IDNA.

    `MIKE@x` and `mike@x` have the same key, `mike@x` with a dotless i has another one: only ASCII letters change.
    Raises ValueError if the address has no local part or no valid domain.
    """
    local, _, domain = address.strip().rpartition("@")
    try:
        host = domain.encode("idna").decode("ascii").translate(_LOWER)
    except UnicodeError as error:
        raise ValueError(f"The domain of the e-mail address {address!r} is not valid.") from error
    if not local or not host:
        raise ValueError(f"{address!r} is not an e-mail address. Write it like name@example.com.")
    return f"{local.translate(_LOWER)}@{host}"
