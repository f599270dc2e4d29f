#!/usr/bin/env python3
"""Keeps the translations of the package, in s3store/locale:

    python docs/translations.py            write the catalogues
    python docs/translations.py --check    list what is missing or stale, and exit with status 1 if there is anything

Writing adds the texts of the source code that a django.po lacks, with an empty translation, removes those that are not
used any more, and compiles each django.mo. GNU gettext: "The Format of PO Files", "The Format of GNU MO Files".
"""

from __future__ import annotations

import ast
import re
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "s3store"
LOCALE = PACKAGE / "locale"
LANGUAGES = ("de", "es", "fr", "ja", "zh_Hans")

# The plural forms of Django's own catalogues: the rule, and how many forms it has.
PLURALS = {
    "de": ("nplurals=2; plural=(n != 1);", 2),
    "es": ("nplurals=3; plural=n == 1 ? 0 : n != 0 && n % 1000000 == 0 ? 1 : 2;", 3),
    "fr": ("nplurals=3; plural=(n == 0 || n == 1) ? 0 : n != 0 && n % 1000000 == 0 ? 1 : 2;", 3),
    "ja": ("nplurals=1; plural=0;", 1),
    "zh_Hans": ("nplurals=1; plural=0;", 1),
}
_TEMPLATE = re.compile(
    r'\{% translate "(?P<text>[^"]+)"[^%]*%\}'
    r"|\{% blocktranslate\b(?P<words>[^%]*)%\}(?P<block>.*?)\{% endblocktranslate %\}",
    re.DOTALL,
)
SINGLE = {"_", "gettext", "gettext_lazy"}
PLURAL = {"ngettext", "ngettext_lazy"}


@dataclass
class Text:
    """A text of the source code: with a plural if it depends on a number, and the files in which it is."""

    singular: str
    plural: str = ""
    files: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """What a compiled catalogue calls it."""
        return f"{self.singular}\0{self.plural}" if self.plural else self.singular


# The sources


@cache
def texts() -> dict[str, Text]:
    """Return the texts that the package marks for translation, in the order of the files."""
    found: dict[str, Text] = {}
    for path in sorted(
        [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("templates/**/*.html"), *PACKAGE.rglob("templates/**/*.txt")]
    ):
        source = path.read_text(encoding="utf-8")
        for text in marked(ast.parse(source)) if path.suffix == ".py" else in_template(source):
            known = found.setdefault(text.key, text)
            if (name := path.relative_to(ROOT).as_posix()) not in known.files:
                known.files.append(name)
    return found


def marked(tree: ast.Module) -> Iterator[Text]:
    """Yield the texts in the calls of gettext and its relatives. Raises SystemExit for one that is no plain string."""
    for node in ast.walk(tree):
        name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if isinstance(node, ast.Call) and name in SINGLE | PLURAL:
            wanted = node.args[: 2 if name in PLURAL else 1]
            values = [part.value for part in wanted if isinstance(part, ast.Constant)]
            if len(values) < len(wanted) or not all(isinstance(value, str) for value in values):
                raise SystemExit(f"line {node.lineno}: {ast.unparse(node)} needs plain strings")
            yield Text(*map(str, values))


def in_template(source: str) -> Iterator[Text]:
    """Yield the texts of a template: of `{% translate "…" %}` and `{% blocktranslate trimmed %}`."""
    for found in _TEMPLATE.finditer(source):
        if found["text"]:
            yield Text(found["text"])
        elif "trimmed" not in found["words"].split():
            raise SystemExit(f"{found[0]} needs the word trimmed")
        else:
            # As Django does: lines are joined, and variables become names for Python's formatting.
            joined = " ".join(line.strip() for line in found["block"].strip().splitlines())
            yield Text(re.sub(r"\{\{ *(\w+) *\}\}", r"%(\1)s", joined.replace("%", "%%")))


# The catalogues


def path_of(language: str, kind: str) -> Path:
    """Return the path of a catalogue. `kind` is `po` or `mo`."""
    return LOCALE / language / "LC_MESSAGES" / f"django.{kind}"


def read(language: str) -> dict[str, list[str]]:
    """Return the translations in a django.po, by the keys of their texts. A plural has several."""
    path = path_of(language, "po")
    found: dict[str, list[str]] = {}
    for block in path.read_text(encoding="utf-8").split("\n\n") if path.exists() else ():
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        values: dict[str, str] = {}
        for line in lines:
            word, _, text = ("", "", line) if line.startswith('"') else line.partition(" ")
            word = word or list(values)[-1]
            values[word] = values.get(word, "") + unquoted(text)
        if values:
            key = "\0".join(values[word] for word in ("msgid", "msgid_plural") if word in values)
            found[key] = [text for word, text in values.items() if word.startswith("msgstr")]
    return found


def po(language: str, translations: dict[str, list[str]]) -> str:
    """Return the text of a django.po with all texts of the source code."""
    rule, forms = PLURALS[language]
    header = (
        "Project-Id-Version: s3store\n",
        f"Language: {language}\n",
        "MIME-Version: 1.0\n",
        "Content-Type: text/plain; charset=UTF-8\n",
        "Content-Transfer-Encoding: 8bit\n",
        f"Plural-Forms: {rule}\n",
    )
    lines = [
        "# Written by docs/translations.py, except the translations.",
        'msgid ""',
        'msgstr ""',
        *map(quoted, header),
    ]
    for key, text in texts().items():
        lines += ["", f"#: {' '.join(text.files)}"]
        if "{" in text.singular + text.plural:
            # Names in braces are replaced by the page.
            lines += ["#, python-brace-format"]
        lines += [f"msgid {quoted(text.singular)}"]
        known = translations.get(key, [])
        if text.plural:
            lines += [f"msgid_plural {quoted(text.plural)}"]
            known = (known + [""] * forms)[:forms]
            lines += [f"msgstr[{number}] {quoted(form)}" for number, form in enumerate(known)]
        else:
            lines += [f"msgstr {quoted((known or [''])[0])}"]
    return "\n".join(lines) + "\n"


def mo(translations: dict[str, list[str]]) -> bytes:
    """Return a compiled catalogue. Texts without a translation are not in it."""
    pairs = sorted((key.encode(), "\0".join(forms).encode()) for key, forms in translations.items() if all(forms))
    start = 7 * 4
    at = start + 16 * len(pairs)
    tables: list[bytes] = []
    for strings in zip(*pairs, strict=True):
        for string in strings:
            tables.append(struct.pack("<II", len(string), at))
            at += len(string) + 1
    content = b"".join(string + b"\0" for strings in zip(*pairs, strict=True) for string in strings)
    header = struct.pack("<7I", 0x950412DE, 0, len(pairs), start, start + 8 * len(pairs), 0, start)
    return header + b"".join(tables) + content


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text.strip()[1:-1])


# The command


def problems(language: str) -> Iterator[str]:
    """Yield what is wrong with the catalogues of a language."""
    wanted, found = texts(), read(language)
    for key, text in wanted.items():
        forms = found.get(key, [])
        if not forms:
            yield f"{text.singular!r} is missing"
        elif not all(forms):
            yield f"{text.singular!r} is not translated"
        elif len(forms) != (PLURALS[language][1] if text.plural else 1):
            yield f"{text.singular!r} has {len(forms)} forms"
        for form in forms:
            # A form for exactly one can do without the number.
            if form and not names(text.singular) <= names(form) <= names(text.singular + text.plural):
                yield f"{text.singular!r} has other names in braces: {form!r}"
    yield from (f"{key!r} is not used any more" for key in found if key and key not in wanted)
    if not path_of(language, "po").exists() or po(language, found) != path_of(language, "po").read_text("utf-8"):
        yield "django.po is stale"
    if not path_of(language, "mo").exists() or mo(found) != path_of(language, "mo").read_bytes():
        yield "django.mo is stale"


def names(text: str) -> set[str]:
    """Return what the page or Python replaces in a text."""
    return set(re.findall(r"\{\w*\}|%\(\w+\)[sd]|%[sd]", text))


def main(arguments: list[str]) -> int:
    """Write the catalogues, or only examine them with --check."""
    if "--check" not in arguments:
        for language in LANGUAGES:
            path = path_of(language, "po")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(po(language, read(language)), encoding="utf-8")
            path_of(language, "mo").write_bytes(mo(read(language)))
    found = [f"{language}: {problem}" for language in LANGUAGES for problem in problems(language)]
    sys.stdout.write("".join(f"{problem}\n" for problem in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
