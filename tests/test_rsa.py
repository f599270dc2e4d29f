"""CloudFront's private key signs, and is never shown."""

from __future__ import annotations

import base64
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.views.debug import ExceptionReporter

from s3store.links.rsa import rsa_signer
from tests.optional import needs

InvalidSignature = needs("cryptography.exceptions").InvalidSignature
ec = needs("cryptography.hazmat.primitives.asymmetric.ec")
hashes = needs("cryptography.hazmat.primitives.hashes")
padding = needs("cryptography.hazmat.primitives.asymmetric.padding")
rsa = needs("cryptography.hazmat.primitives.asymmetric.rsa")
serialization = needs("cryptography.hazmat.primitives.serialization")

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    kind: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    encryption: serialization.KeySerializationEncryption | None = None,
) -> str:
    return key.private_bytes(serialization.Encoding.PEM, kind, encryption or serialization.NoEncryption()).decode()


def armoured(der: bytes) -> str:
    return f"-----BEGIN PRIVATE KEY-----\n{base64.b64encode(der).decode()}\n-----END PRIVATE KEY-----\n"


PEM = pem(KEY)
PUBLIC_KEY = KEY.public_key()
PUBLIC = PUBLIC_KEY.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
# A private key of an algorithm that has not been invented: PKCS #8 with the OID 1.2.3.4.
UNKNOWN = armoured(bytes.fromhex("3015020100300706032a03040500") + b"\x04\x07" + b"hunter2")


@pytest.mark.parametrize(
    "text",
    [
        PEM,
        PEM.encode(),
        pem(KEY, serialization.PrivateFormat.TraditionalOpenSSL),
        PEM.replace("\n", "\r\n"),
        f"\n{PEM}\n",
    ],
    ids=["str", "bytes", "PKCS1", "CRLF", "blank-lines"],
)
def test_a_key_signs(text: str | bytes) -> None:
    """RSA with SHA-1 and PKCS #1 padding, which is what CloudFront verifies."""
    signature = rsa_signer(text)(b"policy")
    KEY.public_key().verify(signature, b"policy", padding.PKCS1v15(), hashes.SHA1())


def test_su_13_the_digest_is_sha_1_until_another_is_named() -> None:
    """CloudFront takes SHA-1 for granted; a signature with SHA-256 is another one."""
    PUBLIC_KEY.verify(rsa_signer(PEM)(b"policy"), b"policy", padding.PKCS1v15(), hashes.SHA1())
    PUBLIC_KEY.verify(rsa_signer(PEM, "SHA1")(b"policy"), b"policy", padding.PKCS1v15(), hashes.SHA1())
    modern = rsa_signer(PEM, "SHA256")(b"policy")
    PUBLIC_KEY.verify(modern, b"policy", padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        PUBLIC_KEY.verify(modern, b"policy", padding.PKCS1v15(), hashes.SHA1())


def test_a_key_is_read_once() -> None:
    """Reading a PEM takes longer than signing with it."""
    assert rsa_signer(PEM) is rsa_signer(PEM)
    assert rsa_signer(PEM, "SHA256") is rsa_signer(PEM, "SHA256")
    assert rsa_signer(PEM, "SHA256") is not rsa_signer(PEM)


def test_the_same_message_is_signed_once() -> None:
    """A page whose URLs have not changed costs no RSA; another message or key is another signature."""
    sign = rsa_signer(PEM)
    first = sign(b"policy of a page")
    assert sign(b"policy of a page") is first
    assert sign(b"policy of another page") != first
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signature = rsa_signer(pem(other))(b"policy of a page")
    other.public_key().verify(signature, b"policy of a page", padding.PKCS1v15(), hashes.SHA1())


BAD = {
    "pass-phrase": pem(KEY, encryption=serialization.BestAvailableEncryption(b"hunter2")),
    "elliptic": pem(ec.generate_private_key(ec.SECP256R1())),
    "unknown": UNKNOWN,
    "short": pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
    "public": PUBLIC,
    "path": "/etc/keys/cloudfront.pem",
    "garbage": "hunter2-garbage",
    "half": PEM[: len(PEM) // 2],
    "damaged": PEM.replace("A", "B"),
    "literal-line-breaks": PEM.replace("\n", "\\n"),
    "empty": " ",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_su_12_a_bad_key_is_refused_and_not_quoted(text: str) -> None:
    """Neither the message nor Django's error report holds a line of it."""
    with pytest.raises(ImproperlyConfigured, match="cloudfront_key") as caught:
        rsa_signer(text)
    error = caught.value
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    frames = ExceptionReporter(None, type(error), error, error.__traceback__).get_traceback_frames()
    ours = [frame["vars"] for frame in frames if "s3store/links/rsa" in frame["filename"]]
    assert ours
    shown = f"{error} {ours}"
    lines = [line for line in text.replace("\\n", "\n").split("\n") if len(line) > 6 and "PRIVATE KEY" not in line]
    assert [line for line in lines if line in shown] == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BAD["pass-phrase"], "without a passphrase"),
        (BAD["elliptic"], "RSA key of at least 2048 bits"),
        (BAD["short"], "RSA key of at least 2048 bits"),
        (BAD["path"], r"a private key in PEM format .* Give the text of the key, not the path of its file\.$"),
        (BAD["literal-line-breaks"], r"instead of line breaks: give key\.replace\(\"\\\\n\", \"\\n\"\)\.$"),
        (BAD["half"], r"\(ValueError\)\.$"),
    ],
    ids=["pass-phrase", "elliptic", "short", "path", "literal-line-breaks", "half"],
)
def test_su_12_the_reason_is_given(text: str, reason: str) -> None:
    """What the key must be, in words."""
    with pytest.raises(ImproperlyConfigured, match=reason):
        rsa_signer(text)


def test_missing_cryptography_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra that brings it is named."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImproperlyConfigured, match=r"pip install 's3store\[cloudfront\]'") as caught:
        rsa_signer("-----BEGIN PRIVATE KEY-----\nnot read before\n")
    assert caught.value.__suppress_context__
