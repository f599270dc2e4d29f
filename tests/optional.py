"""Packages that some tests need and a project can do without: a test skips where its package is missing."""

from typing import Any

import pytest

_EXTRAS = {"PIL": "demo", "brotli": "brotli", "cryptography": "cloudfront", "rest_framework": "rest-framework"}


def needs(module: str) -> Any:
    """Return `module`, or skip the test with the extra to install.

    At the top of a file it skips all tests of the file, and of each file that imports from there.
    """
    package = module.partition(".")[0]
    extra = _EXTRAS.get(package, "dev")
    return pytest.importorskip(module, reason=f"{package} is not installed: pip install -e '.[{extra}]'")
