"""Parameters of PutObject as headers, and back."""

from s3store.core import headers

PARAMS = {
    "ACL": "private",
    "CacheControl": "no-store",
    "ContentType": "text/plain",
    "Metadata": {"a": "1", "b": "2"},
    "StorageClass": "STANDARD_IA",
}


def test_headers_become_the_parameters_they_were_made_of():
    """In any case of their names, and others are ignored."""
    found = headers.headers_of(PARAMS)
    assert headers.parameters_of(found) == PARAMS
    assert headers.parameters_of({name.upper(): value for name, value in found.items()}) == {
        **PARAMS,
        "Metadata": {"a": "1", "b": "2"},
    }
    assert headers.parameters_of({"Host": "x", "x-other": "y", "Content-Type": "a/b"}) == {"ContentType": "a/b"}
    assert headers.parameters_of({}) == {}
