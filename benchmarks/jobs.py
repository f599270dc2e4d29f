"""A job: what a process of its own is told to measure."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.peers import PEERS, Peer, Place

Measured = dict[str, float]
"""What a case measured, by name: seconds, bytes and counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A case to run: with which peer, against which server; `seconds` is how long short actions are repeated."""

    case: str
    peer_name: str
    place: Place
    large_file: str
    seconds: float

    @property
    def peer(self) -> Peer:
        return PEERS[self.peer_name]


def expect(found: object, wanted: object) -> None:
    """A storage that is fast and wrong is no peer."""
    if found != wanted:
        raise RuntimeError(f"expected {wanted!r:.80}, got {found!r:.80}")
