"""Files in shared folders are in use, although no row names each of them."""

from datetime import datetime, timedelta, timezone

from s3store.operations.orphans import find_orphans
from s3store.operations.references import directory_in
from s3store.storage import S3Storage
from tests.sharing.site import Place


def orphans(storage):
    with find_orphans(storage, now=datetime.now(timezone.utc) + timedelta(days=2)) as found:
        return {orphan.name for orphan in found}


def test_files_of_a_folder_with_shares_are_no_orphans(storage, share):
    """Also those that are not shared, and also while the folder is closed. Another folder has no share."""
    assert orphans(storage) >= {"north/offer.pdf", "south/north.txt"}
    made = share("docs")
    assert orphans(storage) == {"south/north.txt"}
    Place.closed = True
    assert orphans(storage) == {"south/north.txt"}
    Place.closed, Place.storage = False, S3Storage(bucket_name="another")
    assert orphans(storage) >= {"north/offer.pdf", "south/north.txt"}
    Place.storage = storage
    made[0].delete()
    assert orphans(storage) >= {"north/offer.pdf", "south/north.txt"}


def test_directories_of_other_storages():
    """Two storages with one bucket name the same directory differently, or one contains the other."""
    whole, media = S3Storage(bucket_name="b"), S3Storage(bucket_name="b", location="media")
    assert directory_in(whole, media, "north/") == "media/north/"
    assert directory_in(media, whole, "media/north") == "north/"
    assert directory_in(media, whole, "") == "/"
    assert directory_in(media, media, "") == "/"
    assert directory_in(media, whole, "south") is None
    assert directory_in(media, S3Storage(bucket_name="c"), "") is None
