"""The distributions as an index and a project get them: built, checked, installed and used."""

from __future__ import annotations

import email
import os
import re
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import s3store
from tests.distributions import run

ROOT = Path(__file__).resolve().parents[1]

# One process builds and installs for all tests.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]


@pytest.fixture(scope="module")
def built(distributions):
    """The directory with both distributions."""
    return distributions


@pytest.fixture(scope="module")
def wheel(built):
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def sdist(built):
    (found,) = built.glob("*.tar.gz")
    return found


@pytest.fixture(scope="module")
def metadata(wheel):
    """The metadata of the wheel, which an index shows."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The Python of a fresh environment that holds the wheel. It borrows Django and boto3 from this environment."""
    home = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(home)
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    offline = ("--no-deps", "--no-index", "--quiet", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "--python", python, "install", *offline, wheel, cwd=home)
    paths = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    # A path in a .pth file is searched last, and the .pth files below it are not read: an editable install of s3store
    # in this environment stays out of reach.
    (site_packages,) = home.rglob("site-packages")
    (site_packages / "borrowed.pth").write_text("\n".join(paths) + "\n")
    return python


@pytest.fixture
def project(tmp_path):
    """A directory with the settings of a project whose files are in S3."""
    (tmp_path / "settings.py").write_text(
        "SECRET_KEY = 'not a secret'\n"
        "INSTALLED_APPS = ['s3store', 'django.contrib.staticfiles']\n"
        "TEMPLATES = [{'BACKEND': 'django.template.backends.django.DjangoTemplates', 'APP_DIRS': True}]\n"
        "STORAGES = {\n"
        "    'default': {'BACKEND': 's3store.storage.S3MediaStorage'},\n"
        "    'staticfiles': {'BACKEND': 's3store.storage.S3ManifestStaticStorage'},\n"
        "}\n"
        "STATIC_URL = 'static/'\n"
        "AWS_STORAGE_BUCKET_NAME = 'my-bucket'\n"
        "AWS_S3_REGION_NAME = 'eu-central-1'\n"
        "AWS_S3_ACCESS_KEY_ID = 'AKIDEXAMPLE'\n"
        "AWS_S3_SECRET_ACCESS_KEY = 'not-a-secret'.upper()\n"
    )
    return tmp_path


# What is in them


def test_an_index_accepts_both(built):
    """Their metadata is complete and the README renders: `twine check --strict`."""
    found = sorted(built.iterdir())
    assert len(found) == 2
    assert run(sys.executable, "-m", "twine", "check", "--strict", *found, cwd=built).count("PASSED") == 2


def test_the_readme_leads_nowhere_that_an_index_lacks(metadata):
    """An index shows the README only: a link in it is an anchor of the page, a whole address, or a picture."""
    from readme_renderer import rst  # twine brings it

    page = rst.render(metadata.get_payload())
    assert page
    links = re.findall(r'(?:href|src)="([^"]*)"', page)
    relative = [link for link in links if not link.startswith(("#", "https://"))]
    # A code host shows the pictures, and an index their descriptions.
    assert [link for link in relative if not re.fullmatch(r"docs/_static/portal-[\w-]+\.webp", link)] == []
    assert [link for link in relative if not (ROOT / link).exists()] == []


def test_the_wheel_has_every_file_of_the_package_and_nothing_else(wheel):
    """All modules and py.typed; no tests and no example project."""
    package = ROOT / "s3store"
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "s3store/py.typed" in wanted
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert found == wanted


def test_the_source_distribution_has_no_tests(sdist):
    """It holds what builds the wheel. Half of the tests, which setuptools adds by itself, could not run."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2].partition("/")[0] for name in archive.getnames()} - {""}
    assert names == {
        "CHANGELOG.rst",
        "LICENSE",
        "MANIFEST.in",
        "PKG-INFO",
        "README.rst",
        "pyproject.toml",
        "s3store",
        "s3store.egg-info",
        "setup.cfg",
    }


def test_the_metadata_says_what_an_index_shows(metadata):
    """Name, version, authors, license and Python versions."""
    assert (metadata["Name"], metadata["Version"]) == ("s3store", s3store.__version__)
    assert metadata["Author"] == "s3store contributors"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["Description-Content-Type"] == "text/x-rst"
    assert metadata.get_payload().startswith("s3store\n=======\n")


def test_classifiers_exist(metadata):
    """An index refuses a distribution with a classifier that it does not know."""
    import trove_classifiers  # only the developers' environment has it, not each of tox

    found = metadata.get_all("Classifier")
    assert len(found) > 10
    assert set(found) <= trove_classifiers.classifiers


def test_projects_need_only_django_and_boto3(metadata):
    """Everything else is an extra."""
    requirements = [value for value in metadata.get_all("Requires-Dist") if "extra ==" not in value]
    assert sorted(requirements) == ["boto3>=1.36.0", "django>=4.2"]


# The wheel in use


def test_modules_come_from_the_wheel(installed, project):
    """`import s3store.storage` finds the installed package, not the working copy."""
    code = "import s3store.storage; print(s3store.storage.__file__)"
    found = Path(run(installed, "-c", code, cwd=project).strip())
    assert found.is_relative_to(installed.parents[1])


def test_every_module_imports(installed, project):
    """None needs a file that the wheel lacks. The contract suite and the fixtures need pytest, which is borrowed."""
    code = (
        "import pkgutil, importlib, django\n"
        "from django.conf import settings\n"
        "apps = [f'django.contrib.{name}' for name in ('admin', 'auth', 'contenttypes', 'sessions')]\n"
        "settings.configure(INSTALLED_APPS=[*apps, 's3store', 's3store.sharing'])\n"
        "django.setup()\n"
        "import s3store\n"
        "names = [module.name for module in pkgutil.walk_packages(s3store.__path__, 's3store.')]\n"
        "print(len([importlib.import_module(name) for name in names]))"
    )
    modules = [path for path in (ROOT / "s3store").rglob("*.py") if path != ROOT / "s3store" / "__init__.py"]
    assert int(run(installed, "-c", code, cwd=project)) == len(modules)


def test_a_project_passes_its_checks(installed, project):
    """`manage.py check` with both storages in S3."""
    assert "no issues" in run(installed, "-m", "django", "check", "--settings", "settings", cwd=project)


def test_checks_of_the_wheel_report(installed, project):
    """A wrong option in the settings is reported by its id."""
    with (project / "settings.py").open("a") as file:
        file.write("AWS_S3_ENDPOINT_URL = 'no scheme'\n")
    code = (
        "import django; django.setup()\n"
        "from django.core.checks import run_checks\n"
        "print({message.id for message in run_checks()})"
    )
    (project / "run.py").write_text("import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'settings'\n" + code)
    assert "s3store.E" in run(installed, "run.py", cwd=project)


def test_commands_and_template_tags_are_found(installed, project):
    """`collectstatic` and `s3` are s3store's, and `{% load s3store %}` works."""
    (project / "run.py").write_text(
        "import os\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'settings'\n"
        "import django; django.setup()\n"
        "from django.core.management import get_commands\n"
        "from django.template import engines\n"
        "from django.core.files.storage import default_storage\n"
        "print(get_commands()['collectstatic'], get_commands()['s3'])\n"
        "template = engines['django'].from_string('{% load s3store %}{% file_url file %}')\n"
        "class file: storage = default_storage; name = 'a.txt'\n"
        "print(template.render({'file': file}))\n"
    )
    commands, url = run(installed, "run.py", cwd=project).splitlines()
    assert commands == "s3store s3store"
    assert url.startswith("https://my-bucket.s3.eu-central-1.amazonaws.com/media/a.txt?")


# Installing for other purposes


def test_the_page_builder_installs_what_sphinx_needs(metadata):
    """Read the Docs installs an extra that exists, and fails where the tests of the documentation fail."""
    text = (ROOT / ".readthedocs.yaml").read_text(encoding="utf-8")
    assert "extra_requirements:\n        - docs\n" in text
    assert "configuration: docs/conf.py\n  fail_on_warning: true\n" in text
    needed = [value for value in metadata.get_all("Requires-Dist") if "extra == 'docs'" in value.replace('"', "'")]
    assert sorted(value.partition(">")[0] for value in needed) == ["djangorestframework", "furo", "sphinx"]
