"""What the tests of folders put into a bucket, and what they find there."""

from __future__ import annotations


def fill(folder, *paths):
    """Save files whose content is their path, and create the folders whose paths end with a slash."""
    for path in paths:
        if path.endswith("/"):
            folder.create_folder(path)
        else:
            folder.save(path, path.encode())


def keys_in(folder):
    """Return the keys below the root, without what belongs to s3store."""
    objects = folder.storage.objects
    prefix = objects.prefix(folder.root)
    pages = objects.bucket.pages(prefix, objects.listing_params, flat=False)
    found = (info.key[len(prefix) :] for page in pages for info in page.objects)
    return sorted(key for key in found if key and ".s3store/" not in key)


def put(folder, relative, body=b"x", **params):
    """Write an object at any key below the root, as other programs do."""
    objects = folder.storage.objects
    objects.bucket.put(objects.prefix(folder.root) + relative, body, params)


def paths_of(page):
    """Return the paths of the entries of a page."""
    return [entry.path for entry in page.entries]
