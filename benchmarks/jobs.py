"""A job: the input of a process that measures."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.peers import PEERS, Peer, Place

Measured = dict[str, float]
"""The measured seconds, bytes and counts of a case, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A case to run, with a peer and a server. Short actions are repeated for `seconds`."""

    case: str
    peer_name: str
    place: Place
    large_file: str
    seconds: float

    @property
    def peer(self) -> Peer:
        return PEERS[self.peer_name]


def expect(found: object, wanted: object) -> None:
    """Raise an error if the results differ: a storage must be correct to be compared."""
    if found != wanted:
        raise RuntimeError(f"expected {wanted!r:.80}, got {found!r:.80}")
