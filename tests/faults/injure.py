"""Which request is harmed and how: decided from a seed, so that a run can be repeated."""

from __future__ import annotations

import collections
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from .http1 import Body, Request

FAULTS = (
    "slow503",  # 503 SlowDown, the upstream sees nothing
    "err500",  # 500 InternalError, the upstream sees nothing
    "reset",  # RST before the upstream sees the request; of an upload, a part is read first
    "lost",  # the upstream does its work, the reply is thrown away, RST
    "cut",  # RST in the middle of the response's body
    "short",  # the response's body ends early, with a clean close
    "flip",  # one byte of the response's body is wrong
    "flip_up",  # one byte of the request's body is wrong
    "stall",  # the reply is held back
    "freeze",  # the request's body is not read, and nothing is replied
    "mpu200",  # CompleteMultipartUpload answers 200 with an error in the body; the upstream sees nothing
)
IN_REPLY_BODY = ("cut", "short", "flip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Injury:
    """A fault for one request; `fraction` in [0, 1) is how far into a body it strikes."""

    fault: str
    fraction: float

    def position(self, length: int) -> int:
        """Return the index of the byte that is struck in a body of that length."""
        return int(self.fraction * length)


class Surgeon:
    """Draws an injury for each request that matches.

    Whether the n-th of them is harmed depends on the seed and n alone, so that threads change which request is
    the n-th but not how many are harmed. A fault that does not apply to a request (a flipped byte in an empty
    body) leaves it in peace.
    """

    def __init__(
        self,
        faults: Mapping[str, float],
        *,
        seed: int | str,
        match: str | None,
        max_faults: int | None,
        max_faults_per_request: int | None,
    ) -> None:
        unknown = set(faults) - set(FAULTS)
        if unknown:
            raise ValueError(f"no such faults: {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
        if min(faults.values(), default=0) < 0 or sum(faults.values()) > 1 + 1e-9:
            raise ValueError(f"not probabilities that add up to 1 or less: {dict(faults)}")
        self._faults = dict(faults)
        self._seed = seed
        self._match = re.compile(match or "")
        self._left = max_faults
        self._max_per_line = max_faults_per_request
        self._per_line: collections.Counter[tuple[str, str]] = collections.Counter()
        self._drawn = 0

    def draw(self, request: Request) -> Injury | None:
        """Return the injury of this request, counted against the limits, or None."""
        if not self._faults or not self._match.search(f"{request.method} {request.target}"):
            return None
        self._drawn += 1
        dice = random.Random(f"{self._seed}/{self._drawn}")
        chance = dice.random()
        for fault, probability in self._faults.items():
            chance -= probability
            if chance < 0:
                return self._admit(request, Injury(fault=fault, fraction=dice.random()))
        return None

    def spare(self, request: Request, injury: Injury) -> None:
        """Give an injury back that turned out not to apply."""
        if self._left is not None:
            self._left += 1
        self._per_line[request.method, request.target] -= 1

    def _admit(self, request: Request, injury: Injury) -> Injury | None:
        line = request.method, request.target
        exhausted = self._left == 0 or (self._max_per_line is not None and self._per_line[line] >= self._max_per_line)
        if exhausted or not _applies(injury.fault, request):
            return None
        if self._left is not None:
            self._left -= 1
        self._per_line[line] += 1
        return injury


class Strike:
    """Finds the byte of a passing body that an injury strikes."""

    def __init__(self, injury: Injury | None, body: Body, *faults: str) -> None:
        self.fault = injury.fault if injury is not None and injury.fault in faults else None
        self.happened = False
        self._injury = injury
        self._body = body
        self._passed = 0
        self._position: int | None = None

    def index(self, payload: bytes) -> int | None:
        """Return the index of the struck byte if it is in this payload, the next of the body."""
        if self.fault is None or self._injury is None or not payload:
            return None
        if self._position is None:
            # Of a body whose length is not told, the first piece is struck: it is sure to have one.
            self._position = self._injury.position(self._body.length or len(payload))
        index = self._position - self._passed
        self._passed += len(payload)
        self.happened = self.happened or 0 <= index < len(payload)
        return index if 0 <= index < len(payload) else None


def _applies(fault: str, request: Request) -> bool:
    if fault == "mpu200":
        return request.method == "POST" and re.search(r"[?&]uploadId=", request.target) is not None
    if fault == "flip_up":
        return has_body(request)
    return fault not in IN_REPLY_BODY or request.method != "HEAD"


def has_body(request: Request) -> bool:
    """Whether bytes follow the request's head."""
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"


def flipped(payload: bytes, index: int) -> bytes:
    """Return the payload with one byte wrong."""
    return payload[:index] + bytes([payload[index] ^ 0x20]) + payload[index + 1 :]


def canned_reply(fault: str) -> tuple[int, dict[str, str], bytes]:
    """Return (status, headers, body) as S3 answers in that trouble."""
    status, code, message = {
        "slow503": (503, "SlowDown", "Please reduce your request rate."),
        "err500": (500, "InternalError", "We encountered an internal error. Please try again."),
        "mpu200": (200, "InternalError", "We encountered an internal error. Please try again."),
    }[fault]
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>'
        "<RequestId>FAULTPROXY</RequestId></Error>"
    )
    return status, {"Content-Type": "application/xml"}, body.encode()
