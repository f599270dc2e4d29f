"""Names of people, as pages show them."""

from typing import Any


def name_of(user: Any) -> str:
    """Return the full name of a user, or the address if there is none."""
    if user is None:
        return ""
    return user.get_full_name() or user.get_username()


def initials(user: Any) -> str:
    """Return one or two letters for a user's picture."""
    words = name_of(user).split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:]))[:2].upper()
