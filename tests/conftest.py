"""Fixtures for all tests: a clean environment, and the servers."""

import functools
import os
import ssl
import sys

import botocore.session
import hypothesis
import pytest
from botocore.retries import standard

from s3store.folders import signals
from s3store.wire import backoff, client, sessions
from tests.optional import needs

pytest_plugins = ["s3store.testing.fixtures", "tests.buckets"]

# Time depends on what else the machine does.
hypothesis.settings.register_profile("s3store", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("s3store")


def pytest_addoption(parser):
    parser.addoption(
        "--breaks",
        default="",
        help="rows of tests/coverage/breaks.csv: all, or their numbers with commas (default: ten drawn ones)",
    )
    parser.addoption("--load-seconds", type=float, default=0, help="how long 200 threads work (default: a round)")


@pytest.fixture(autouse=True, scope="session")
def clean_environment(tmp_path_factory):
    """No credentials, profiles or endpoints of the machine reach a test."""
    nowhere = tmp_path_factory.mktemp("aws") / "none"
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("AWS_"):
                patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", str(nowhere))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(autouse=True, scope="session")
def shared_models():
    """Sessions share what botocore reads from its own package: parsing it again for each client takes 0.1 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        yield


@pytest.fixture(autouse=True, scope="session")
def quick_retries():
    """Retries wait for milliseconds: faults in tests are independent, so that waiting longer proves nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backoff, "_FIRST", 0.001)
        patch.setattr(backoff, "_LONGEST", 0.01)
        patch.setattr(standard.ExponentialBackoff, "delay_amount", lambda self, context: 0.01)
        yield


@pytest.fixture(scope="session")
def moto(moto):
    """The fixture of s3store.testing, without coverage in the server's threads: tracing makes it half as fast."""
    from moto.server import DomainDispatcherApplication

    answer = DomainDispatcherApplication.__call__

    def untraced(self, environ, start_response):
        sys.settrace(None)
        return answer(self, environ, start_response)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DomainDispatcherApplication, "__call__", untraced)
        yield moto


@pytest.fixture(autouse=True)
def no_sessions_of_another_test():
    """What botocore found in the environment of one test is not there in the next."""
    sessions._sessions.clear()
    client._answers.clear()


@pytest.fixture(autouse=True)
def folders_without_shares():
    """Folders ask no database in tests: only tests/sharing connects what follows moved and deleted files.

    For each test: one that changes INSTALLED_APPS lets Django start the apps again.
    """
    for name in ("moved", "deleted", "restored"):
        getattr(signals, name).disconnect(dispatch_uid=f"s3store_sharing.{name}")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """A server's context for 127.0.0.1, and the file of the authority that vouches for it."""
    authority = needs("trustme").CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    bundle = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    return context, str(bundle)


@pytest.fixture(scope="session")
def distributions(tmp_path_factory):
    """The directory with the source distribution and the wheel."""
    from tests.distributions import build  # needs `packaging`, which only the developers' environment must have

    target = tmp_path_factory.mktemp("dist")
    build(tmp_path_factory.mktemp("source"), target)
    return target
