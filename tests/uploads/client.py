"""A client that does what a browser does: JSON to the endpoints, bytes to the presigned requests."""

import json
import types

import urllib3
from django.test import Client

from s3store.uploads.destinations import signed_label


class Browser(urllib3.PoolManager):
    """Sends presigned requests: to servers, and to the development twin, whose URLs have no host."""

    def request(self, method, url, body=None, fields=None, headers=None, **more):
        if not url.startswith("/"):
            return super().request(method, url, body=body, fields=fields, headers=headers, **more)
        headers = dict(headers or {})
        if fields is not None:
            body, headers["Content-Type"] = urllib3.encode_multipart_formdata(fields)
        kind = headers.pop("Content-Type", "")
        answer = Client(enforce_csrf_checks=True, headers=headers).generic(method, url, body or b"", kind)
        return types.SimpleNamespace(status=answer.status_code, data=answer.getvalue(), headers=answer.headers)


http = Browser(retries=False)


def post(client, step, body, **headers):
    """Send JSON to an endpoint and return the response."""
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post(f"/s3store/{step}/", text, content_type="application/json", **headers)


def begin(client, label, name, size, **more):
    """Begin an upload and return the answer's JSON."""
    answer = post(client, "begin", {"destination": signed_label(label), "name": name, "size": size, **more})
    assert answer.status_code == 201, answer.content
    return answer.json()


def send(begun, content):
    """Send the bytes of an upload in one request, as `begin` says, and return the status."""
    return send_raw(begun, content).status


def send_raw(begun, content, **changes):
    """Send the bytes with changed fields, and return the response."""
    if begun["mode"] == "put":
        return http.request("PUT", begun["url"], body=content, headers={**begun["headers"], **changes})
    fields = [*{**begun["fields"], **changes}.items(), ("file", ("x", content, begun["type"]))]
    return http.request("POST", begun["url"], fields=fields)


def send_parts(parts, content, part_size):
    """Send these parts of the content, and return the statuses."""
    return [
        http.request("PUT", part["url"], body=content[(part["number"] - 1) * part_size :][: part["size"]]).status
        for part in parts
    ]
