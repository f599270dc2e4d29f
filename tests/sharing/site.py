"""A small site with shares: two companies in one bucket, members with roles, and what the setting names."""

from __future__ import annotations

from s3store.folders import Folder


class Place:
    """Where the files of the test are. A fixture sets the storage, tests change the rest."""

    storage = None
    closed = False
    brand = {"name": "Nordlicht Solar", "logo": "", "contact": "https://nordlicht-solar.example/contact"}
    managers = frozenset()
    roles: dict = {}
    verified: set = set()


class Policy:
    """Members have roles: "viewer" reads, "editor" also writes and shares. Nobody gets into a folder named `secret`."""

    asked: list = []

    def can(self, user, action, path):
        Policy.asked.append((str(user), action, path))
        if "secret" in path.split("/") or user is None:
            return False
        role = Place.roles.get(str(user))
        return role == "editor" or (role == "viewer" and action in ("list", "read"))


def root_folder(root="north/", user=None):
    """Return the folder of a company."""
    return Folder(Place.storage, root, user=user, policy=Policy())


def folder_of(share):
    """Return the folder of a share's root, or None while the company is closed."""
    return None if Place.closed else root_folder(share.root)


def brand_of(share):
    """Return the name and the logo of the company."""
    return Place.brand


def addresses_of(user):
    """Return the verified addresses of a user."""
    return [user.email] if user.username in Place.verified else []


def manages(user, share):
    """Return whether a user manages the shares of the company."""
    return user.username in Place.managers
