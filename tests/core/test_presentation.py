"""Files are shown or saved, never run."""

from __future__ import annotations

import pytest

from s3store.core.presentation import SAFE, SAVED, SHOWN, present


@pytest.mark.parametrize(
    ("content_type", "inline", "sent", "kind", "policy"),
    [
        ("image/png", True, "image/png", "inline", SHOWN),
        ("image/png", False, "image/png", "attachment", SAVED),
        ("video/mp4", True, "video/mp4", "inline", SHOWN),
        ("application/pdf", True, "application/pdf", "inline", None),
        ("application/pdf", False, "application/pdf", "attachment", SAVED),
        ("application/zip", True, "application/zip", "attachment", SAVED),
        ("text/html; charset=utf-8", True, "application/octet-stream", "attachment", SAVED),
        ("image/svg+xml", True, "application/octet-stream", "attachment", SAVED),
        ("image/png, text/html", True, "application/octet-stream", "attachment", SAVED),
    ],
)
def test_sp_10_the_type_decides_how_a_file_is_taken(
    content_type: str, inline: bool, sent: str, kind: str, policy: str | None
) -> None:
    """Being shown is asked for and allowed by the type; active types lose theirs."""
    headers = present(content_type, "a b.x", inline=inline)
    assert headers["Content-Type"] == sent
    assert headers["Content-Disposition"] == f'{kind}; filename="a b.x"'
    assert headers.get("Content-Security-Policy") == policy


def test_no_policy_allows_a_script() -> None:
    """A sandbox in both, nothing by default, and no scripts let out of it."""
    for policy in (SAVED, SHOWN):
        assert policy.startswith("sandbox")
        assert "default-src 'none'" in policy
        assert "script" not in policy


def test_every_answer_keeps_its_url_and_its_type() -> None:
    """Browsers neither tell other sites the URL nor guess another type."""
    assert SAFE == {"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
