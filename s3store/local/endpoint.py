"""The endpoint of the twin: the requests that browsers send to S3, answered as S3 answers them.

AWS: "PutObject", "UploadPart", "GetObject", "HeadObject" and "POST Object" in the API reference.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import cast
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables

from s3store.core import keys, parameters
from s3store.core import urls as core_urls
from s3store.core.sigv4 import Credentials
from s3store.links.links import Links
from s3store.local import answers, cors, records, signature
from s3store.local.body import LIMIT, Body, Form, receive
from s3store.local.bucket import LocalBucket
from s3store.local.download import download
from s3store.local.policy import Policy
from s3store.local.refusals import Refusal
from s3store.local.storage import FakeS3Storage, twins
from s3store.local.store import Store
from s3store.local.uploads import Uploads

METHODS = ("GET", "HEAD", "PUT", "POST", "OPTIONS")
_NEEDED = ("policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature")


@csrf_exempt
@sensitive_variables()
def endpoint(request: HttpRequest, bucket: str, key: str = "") -> HttpResponseBase:
    """Answer a request for a bucket or an object of a development twin, with 404 if no twin may work."""
    found = list(twins()) if _is_served(request) else []
    if not found:
        return HttpResponseNotFound()
    response: HttpResponseBase
    call = _Call(request=request, bucket=bucket, key=key, twins=[one for one in found if one.bucket_name == bucket])
    try:
        response = call.response()
    except Refusal as refusal:
        response = answers.refused(request, refusal)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("x-amz-request-id", uuid.uuid4().hex)
    for name, value in call.cors().items():
        response.headers[name] = value
    return response


def _is_served(request: HttpRequest) -> bool:
    """Return whether ALLOWED_HOSTS has the host. A page of another site may have pointed its own name at us."""
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return True


# Django's LoginRequiredMiddleware would redirect. The signature decides here.
endpoint.login_required = False  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One request. `twins` are those with this bucket."""

    request: HttpRequest
    bucket: str
    key: str
    twins: list[FakeS3Storage]

    def response(self) -> HttpResponseBase:
        """Return the response. Raises Refusal."""
        if not self.twins:
            raise Refusal("NoSuchBucket")
        method = self.request.method or ""
        if method == "OPTIONS":
            return self._preflight()
        if method not in METHODS:
            raise Refusal("MethodNotAllowed")
        if method in ("PUT", "POST"):
            body = Body(self.request)
            try:
                return self._put(body) if method == "PUT" else self._post(body)
            except Refusal:
                body.drain()
                raise
        return self._get()

    # The requests

    def _get(self) -> HttpResponseBase:
        query = self._query()
        key = _checked(self.key)
        if signature.is_signed(query):
            store, signed = self._verified(query), True
        else:
            store, signed = self._public(key), False
        response: HttpResponseBase = download(self.request, store, key, dict(query), signed=signed)
        return response

    def _put(self, body: Body) -> HttpResponse:
        query = self._query()
        if not signature.is_signed(query):
            raise Refusal("AccessDenied")
        store = self._verified(query)
        key = _checked(self.key)
        headers = self._headers()
        given = dict(query)
        with store.receive(LIMIT) as incoming:
            receive(body, incoming, headers)
            if "uploadId" in given:
                number = given.get("partNumber", "")
                chosen = int(number) if number.isdecimal() and len(number) < 9 else 0
                etag = Uploads(store).put(given["uploadId"], key, chosen, incoming).etag
            else:
                if headers.get("if-none-match", "*") != "*":
                    raise Refusal("InvalidArgument", "If-None-Match can only be *.")
                create = "if-none-match" in headers
                kept = records.kept(headers)
                etag = store.publish(key, incoming, kept, create=create, match=headers.get("if-match")).etag
        return HttpResponse(headers={"ETag": etag})

    def _post(self, body: Body) -> HttpResponse:
        if self.key:
            raise Refusal("MethodNotAllowed")
        form = Form(body, self.request.META.get("CONTENT_TYPE", ""))
        fields = form.fields
        if "key" not in fields:
            raise Refusal("InvalidArgument", "Bucket POST must contain a field named 'key'.")
        if "policy" not in fields:
            raise Refusal("AccessDenied")
        for name in _NEEDED:
            if name not in fields:
                raise Refusal("InvalidArgument", f"Bucket POST must contain a field named '{name}'.")
        storage, credentials = self._signer(fields["x-amz-credential"])
        signature.verify_form(fields, credentials=credentials)
        policy = Policy.of(fields["policy"])
        fields["key"] = fields["key"].replace("${filename}", _base_name(form.filename))
        policy.check({"bucket": self.bucket, **fields}, now=_now())
        key = _checked(fields["key"])
        # They become headers of responses.
        if parameters.header_problem({name: value for name, value in fields.items() if name != "policy"}):
            raise Refusal("InvalidArgument", "A field contains a control character.")
        store = _store(storage)
        with store.receive(policy.largest) as incoming:
            form.receive(incoming)
            policy.check_size(incoming.size)
            headers = {("x-amz-acl" if name == "acl" else name): value for name, value in fields.items()}
            record = store.publish(key, incoming, records.kept(headers))
        return self._posted(fields, key, record.etag)

    def _posted(self, fields: dict[str, str], key: str, etag: str) -> HttpResponse:
        place = self.request.build_absolute_uri(f"{self._path('')}{core_urls.quote_key(key)}")
        headers = {"ETag": etag, "Location": place}
        redirect = fields.get("success_action_redirect") or fields.get("redirect") or ""
        if urlsplit(redirect).scheme in ("http", "https"):
            said = urlencode({"bucket": self.bucket, "key": key, "etag": etag}, quote_via=quote)
            headers["Location"] = f"{redirect}{'&' if '?' in redirect else '?'}{said}"
            return HttpResponse(status=303, headers=headers)
        status = fields.get("success_action_status")
        if status != "201":
            return HttpResponse(status=200 if status == "200" else 204, headers=headers)
        values = {"Location": place, "Bucket": self.bucket, "Key": key, "ETag": etag}
        return answers.xml("PostResponse", values, status=201, headers=headers)

    # CORS

    def _preflight(self) -> HttpResponse:
        if self._cors(preflight=True) is None:
            raise Refusal("AccessForbidden")
        return HttpResponse()

    def cors(self) -> dict[str, str]:
        """Return the CORS headers of the response: none without a rule."""
        return self._cors(preflight=self.request.method == "OPTIONS") or {}

    def _cors(self, *, preflight: bool) -> dict[str, str] | None:
        headers = self.request.headers
        rules = [rule for storage in self.twins for rule in storage.cors_rules]
        method = headers.get("Access-Control-Request-Method", "") if preflight else self.request.method or ""
        asked = headers.get("Access-Control-Request-Headers", "") if preflight else ""
        wanted = [name.strip() for name in asked.split(",") if name.strip()]
        origin = headers.get("Origin", "")
        return cors.response_headers(rules, origin, method, wanted, preflight=preflight) if origin else None

    # Who signed

    def _query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.request.META.get("QUERY_STRING", ""), keep_blank_values=True)

    def _headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.request.headers.items()}

    def _path(self, key: str) -> str:
        return f"{self.twins[0].objects.of(Links).upload_endpoint.path}/{core_urls.quote_key(key)}"

    def _verified(self, query: list[tuple[str, str]]) -> Store:
        """Return the store of the twin that signed the URL."""
        storage, credentials = self._signer(dict(query).get("X-Amz-Credential", ""))
        host = storage.objects.of(Links).upload_endpoint.host
        arguments = (self.request.method or "", host, self._path(self.key), query, self._headers())
        signature.verify_url(*arguments, credentials=credentials, now=_now())
        return _store(storage)

    def _signer(self, credential: str) -> tuple[FakeS3Storage, Credentials]:
        wanted = signature.access_key(credential)
        for storage in self.twins:
            options = storage.options
            if wanted and options.access_key == wanted and options.secret_key:
                return storage, Credentials(access_key=wanted, secret_key=options.secret_key)
        raise Refusal("InvalidAccessKeyId")

    def _public(self, key: str) -> Store:
        """Return the store with an object that needs no signature.

        It has a public ACL, or a storage gives unsigned URLs for it: on S3, a bucket policy would make it public.
        """
        for storage in self.twins:
            objects = storage.objects
            store = _store(storage)
            links, name, record = objects.of(Links), objects.name(key), store.find(key)
            unsigned = name is not None and (not links.signs or bool(links.is_public and links.is_public(name)))
            if record and (unsigned or record.is_public):
                return store
        raise Refusal("AccessDenied")


def _store(storage: FakeS3Storage) -> Store:
    return cast("LocalBucket", storage.objects.bucket).store


def _now() -> int:
    return int(time.time())


def _base_name(filename: str) -> str:
    return filename.replace("\\", "/").rpartition("/")[2]


def _checked(key: str) -> str:
    """Return the key. Raises Refusal for one that no storage has: `..`, `//`, control characters."""
    if len(key.encode(errors="surrogatepass")) > keys.MAX_KEY_BYTES:
        raise Refusal("KeyTooLongError")
    try:
        possible = keys.clean_name(key) == key
    except keys.UnsafeNameError:
        possible = False
    if not key or not possible:
        raise Refusal("InvalidArgument", "The key is not a possible name of a file.")
    return key
