"""The JavaScript of direct uploads without a browser: its size, its manners, and what it calculates."""

import base64
import gzip
import json
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

import s3store
from s3store.core.parts import GIB, MIB, browser_part_size
from s3store.uploads.texts import texts

STATIC = Path(s3store.__file__).parent / "static" / "s3store"
SCRIPTS = sorted(STATIC.glob("*.js"))


def test_the_size_of_the_scripts():
    """A page loads at most 12 KiB of JavaScript, compressed, and with checksums a tenth more."""
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in SCRIPTS}
    assert set(sizes) == {"checked.js", "engine.js", "widget.js"}
    assert sizes["engine.js"] + sizes["widget.js"] <= 12 * 1024
    assert sizes["checked.js"] <= 1.2 * 1024


@pytest.mark.parametrize("path", sorted(STATIC.iterdir()), ids=lambda path: path.name)
def test_names_that_blockers_do_not_know(path):
    """Advertisement blockers block files by words in their names."""
    assert not re.search("track|event|ad[^d]|banner|pixel|beacon|stat|analytic", path.name)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_what_a_strict_policy_forbids(path):
    """No script writes HTML or style attributes, or creates code, or keeps pages out of the browser's cache."""
    html = r"(inner|outer)HTML|insertAdjacentHTML|DOMParser|\.style\b|[\"']style[\"']"
    code = r"\beval\(|\bFunction\(|[\"']unload[\"']"
    assert not re.search(f"{html}|{code}", path.read_text())


def test_every_text_is_there_and_used():
    """The script asks for no text that Django does not send, and Django sends none in vain."""
    script = (STATIC / "widget.js").read_text() + (STATIC / "engine.js").read_text()
    asked = set(re.findall(r"(?:text|label)\((?:[\w.]+, )?\"([a-z_*/]+)\"", script))
    sent = set(texts())
    assert asked <= sent
    # States, errors and buttons come by their names.
    states = {"beginning", "finishing", "uploading", "aborting", "done", "failed", "paused", "queued"}
    states |= {"beginning_again", "waiting_offline", "waiting_login", "waiting_busy"}
    buttons = {
        f"{name}{end}"
        for name in ("pause", "resume", "retry", "cancel", "remove", "form_instead")
        for end in ("", "_name")
    }
    by_name = {"said_start", "said_resumed", *states, *buttons}
    codes = {"unreachable", "blocked", "server_unreachable", "csrf_failed", "file_changed"}
    assert not {name for name in sent - asked - by_name - codes if not name[0].isupper()}


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A function that runs JavaScript in which `engine` is our module, and returns what it evaluates to."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("node is not installed")
    directory = tmp_path_factory.mktemp("node")
    for name in ("engine", "checked"):
        shutil.copy(STATIC / f"{name}.js", directory / f"{name}.mjs")

    def run(body):
        script = directory / "run.mjs"
        script.write_text(
            'import * as engine from "./engine.mjs";\n'
            f"const answer = await (async () => {{ {body} }})();\nprocess.stdout.write(JSON.stringify(answer));"
        )
        found = subprocess.run([program, str(script)], capture_output=True, text=True, check=False, timeout=60)
        assert not found.stderr, found.stderr
        return json.loads(found.stdout)

    return run


def test_the_size_of_parts(node):
    """The browser calculates the size of parts as the server does."""
    sizes = [1, MIB, 8 * MIB, 8 * MIB + 1, 32 * MIB, 100 * MIB, 999 * MIB, 8000 * MIB, 8000 * MIB + 1]
    sizes += [50 * GIB, 500 * GIB, 500 * GIB + 1, 5120 * GIB, 50_000 * GIB - 1]
    assert node(f"return {json.dumps(sizes)}.map(engine.partSize)") == [browser_part_size(size) for size in sizes]


def test_ub_21_the_checksum(node):
    """The CRC-32 in base64, of nothing, of the usual text, and of more than one block."""
    body = """
      const { crc32, partSize } = await import("./checked.mjs#./engine.mjs");
      const blobs = [[], ["123456789"], [new Uint8Array(3 << 20).fill(7), "end"]].map((parts) => new Blob(parts));
      return [partSize === engine.partSize, ...(await Promise.all(blobs.map(crc32)))];
    """
    contents = [b"", b"123456789", b"\x07" * (3 << 20) + b"end"]
    sums = [base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode() for content in contents]
    assert node(body) == [True, *sums]
    assert sums[1] == "y/Q5Jg=="


def test_ub_25_an_error_is_a_sentence(node):
    """What the storage said comes first, then our own code, then what the site said, and the code at last."""
    body = """
      const texts = { AccessDenied: "{code} {host}", unreachable: "No {host}", storage_refused: "Refused: {code}" };
      const text = (name, values) => (texts[name] ?? "").replace(/{(.*?)}/g, (_, key) => values[key] ?? "");
      const said = (...all) => engine.explain(new engine.UploadError(...all), text);
      return [
        said("storage_refused", { storage_code: "AccessDenied", host: "s3.example" }),
        said("storage_refused", { storage_code: "Strange" }),
        said("unreachable", { host: "s3.example" }),
        said("quota", {}, "The company is full."),
        said("strange"),
        engine.explain(new TypeError("Failed to fetch"), text),
      ];
    """
    assert node(body) == [
        "AccessDenied s3.example",
        "Refused: Strange",
        "No s3.example",
        "The company is full.",
        "Refused: strange",
        "Failed to fetch",
    ]


def test_the_speed(node):
    """The speed is the mean of ten seconds; it and the time left are unknown at first."""
    body = """
      const speed = new engine.Speed();
      const seen = [];
      // A resumed upload starts at 100: what was sent before says nothing about the speed.
      for (let second = 0; second <= 30; second += 1) {
        speed.add(100 + (second < 15 ? second * 10 : 150 + (second - 15) * 20), second * 1000);
        seen.push([speed.rate, speed.left(1000)]);
      }
      return seen;
    """
    seen = node(body)
    assert seen[2] == [0, None]
    assert seen[3] == [10, None]
    assert seen[5] == [10, 85]
    assert 10 < seen[20][0] < 20
    assert seen[30] == [20, 22.5]
    assert node("const speed = new engine.Speed(); return [speed.rate, speed.left(10)]") == [0, None]


def test_the_lanes(node):
    """Five requests at once, fewer when the storage is busy, never under two, and more again while that is faster."""
    body = """
      const lanes = new engine.Lanes();
      const { signal } = new AbortController();
      const seen = [];
      let inside = 0;
      const enter = (stop = signal) => lanes.enter(stop).then(() => { inside += 1; }, (error) => seen.push(error.name));
      const tick = () => new Promise((resolve) => setTimeout(resolve));
      const since = lanes.since;
      for (let n = 0; n < 9; n += 1) enter();
      const gone = new AbortController();
      enter(gone.signal);
      gone.abort();
      await tick();
      seen.push(inside);
      lanes.slower(); seen.push(lanes.limit);
      lanes.slower(); seen.push(lanes.limit);
      lanes.sent(1000, since + 1000); seen.push(lanes.limit);
      lanes.sent(1000, since + 2000); seen.push(lanes.limit);
      lanes.sent(2100, since + 4000); seen.push(lanes.limit);
      lanes.sent(2600, since + 6000); seen.push(lanes.limit);
      lanes.sent(9000, since + 8000); seen.push(lanes.limit);
      lanes.sent(99000, since + 10000); seen.push(lanes.limit);
      lanes.leave(); await tick(); seen.push(inside);
      return seen;
    """
    #                          entered; the limits: busy twice; unknown, first, too little, faster twice, at most 5
    assert node(body) == ["AbortError", 5, 2, 2, 2, 3, 3, 4, 5, 5, 6]
