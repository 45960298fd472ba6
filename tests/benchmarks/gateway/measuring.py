"""What is measured of a gateway and its peers: each gives one figure of a round of the runner."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trustme

from .processes import Helper, helper
from .proposers import Proposer, greeted

if TYPE_CHECKING:
    from ..runner import Round

GATEWAY: Final = "gateway"
GATEWAY_TLS: Final = "gateway, TLS"
GATEWAY_IN_MEMORY: Final = "gateway, nothing on the disk"
AT_ONCE: Final = 20
"""How many records a decision has at least where they come many at once."""
WARM_UP: Final = 10
"""Of so many parts of the work, one comes before the clock starts."""
FEWER: Final = {"broadcast": 10, "loop": 40}
"""By how much less the slow ones are given to do, so that it takes seconds."""


@contextmanager
def server(kind: str, round_: Round) -> Iterator[Helper]:
    """A server for a block: a gateway, or a peer."""
    if kind in (GATEWAY, GATEWAY_TLS, GATEWAY_IN_MEMORY):
        directory = None if kind == GATEWAY_IN_MEMORY else str(round_.directory.absolute())
        certificate = str(_certificates(round_)[0]) if kind == GATEWAY_TLS else None
        with helper("serving", directory, certificate) as process:
            yield process
    else:
        with helper("peers", kind) as process:
            yield process


@contextmanager
def readers(kind: str, port: int, round_: Round) -> Iterator[Helper]:
    """A process of readers for a block; none of them is connected."""
    authority = str(_certificates(round_)[1]) if kind == GATEWAY_TLS else None
    with helper("readers", port, authority) as process:
        yield process


@contextmanager
def served(kind: str, round_: Round) -> Iterator[tuple[Helper, Helper]]:
    """A server and its readers for a block."""
    with (
        server(kind, round_) as serving,
        readers(kind, serving.options["port"], round_) as reading,
    ):
        yield serving, reading


def _certificates(round_: Round) -> tuple[Path, Path]:
    """Where a certificate for this machine with its key is, and the authority's; made once."""
    paths = round_.shared / "certificate.pem", round_.shared / "authority.pem"
    if not paths[1].exists():
        authority = trustme.CA()
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(paths[0])
        authority.cert_pem.write_to_path(paths[1])
    return paths[0].absolute(), paths[1].absolute()


# --- subscribers ---------------------------------------------------------------------------


def deliveries(many: bool, kind: str, at_once: int, round_: Round) -> float:
    """Have records admitted as fast as it goes; gives deliveries to subscribers a second."""
    sizes = round_.sizes
    subscribers = sizes.many_subscribers if many else sizes.few_subscribers
    records = max(at_once, sizes.delivered // FEWER.get(kind, 1) // subscribers)
    if at_once == 1 and kind not in FEWER:
        records = sizes.delivered_singly // _fewer_singly(many, kind)
    with served(kind, round_) as (serving, reading):
        reading.ask("subscribe", count=subscribers)
        _delivered_s(serving, reading, max(at_once, records // WARM_UP), at_once)
        seconds = _delivered_s(serving, reading, records, at_once)
    return records * subscribers / seconds


def _fewer_singly(many: bool, kind: str) -> int:
    """By how much less there is to do where each record is a commit of its own."""
    return (6 if many else 1) * (5 if many and kind == GATEWAY_TLS else 1)


def _delivered_s(serving: Helper, reading: Helper, records: int, at_once: int) -> float:
    """How long it takes until all have read so many records."""
    records -= records % at_once
    reading.ask("count", records=records)
    began: float = serving.ask("make", records=records, at_once=at_once)["began"]
    ended: float = reading.hear()["ended"]
    return ended - began


def lag_ms(which: str, rate: float, round_: Round) -> float:
    """Have records admitted at an even pace; gives how late they are read."""
    if "lag" not in round_.kept:
        sizes = round_.sizes
        records = max(10, int(sizes.paced_s * rate))
        with served(GATEWAY, round_) as (serving, reading):
            reading.ask("subscribe", count=sizes.many_subscribers)
            for count in (max(1, records // WARM_UP), records):
                reading.ask("stamp", records=count)
                durable_at = serving.ask("pace", records=count, rate=rate)["durable_at"]
                reading.hear()
            round_.kept["lag"] = reading.ask("lag", durable_at=durable_at)
    found: float = round_.kept["lag"][which]
    return found


# --- clients that decide -------------------------------------------------------------------


def remote(which: str, kind: str, one_scope: bool, round_: Round) -> float:
    """Have clients propose and decide; gives rounds a second, or how long one takes."""
    key = f"{kind} {one_scope}"
    if key not in round_.kept:
        sizes = round_.sizes
        scopes = 1 if one_scope else sizes.remote
        with server(kind, round_) as serving, helper("proposers") as proposing:
            proposing.ask(
                "connect", port=serving.options["port"], count=sizes.remote, scopes=scopes
            )
            for each in (max(1, sizes.remote_each // WARM_UP), sizes.remote_each):
                round_.kept[key] = proposing.ask("rounds", each=each)
    found: float = round_.kept[key][which]
    return found


def idle_kb(kind: str, round_: Round) -> float:
    """Connect clients who say hello and nothing more; gives what a process grows by for each."""
    count = round_.sizes.idle
    with served(kind, round_) as (serving, reading):
        # What is made once is made for these.
        reading.ask("connect", count=max(1, count // WARM_UP))
        before: float = serving.ask("size")["bytes"]
        reading.ask("connect", count=count)
        after: float = serving.ask("size")["bytes"]
    return max(0.1, after - before) / count / 1e3


def growth_of_bytes(only_digits: bool, round_: Round) -> float:
    """
    Decide one more event over the wire, in a scope with a long past and in one with a short.

    Args:
      only_digits: count each number as one digit.

    Returns:
      What goes over the wire in both directions for the long one, as a multiple of the other.
    """
    sizes = []
    with server(GATEWAY, round_) as serving:
        for scope, past in (("lot/a", round_.sizes.remote_past), ("lot/b", 10)):
            serving.ask("fill", scope=scope, records=past - 1)
            sizes.append(_bytes_of_a_round(serving, scope, only_digits))
    return sizes[0] / sizes[1]


_IDS: Final = ("aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa", "bbbbbbbb-bbbb-7bbb-8bbb-bbbbbbbbbbbb")
_NUMBER: Final = re.compile(rb"[0-9]+")


def _bytes_of_a_round(serving: Helper, scope: str, only_digits: bool) -> int:
    """What a round takes on the wire, of a client that is up to date; frames count as well."""
    client = greeted(serving.options["port"])
    proposer = Proposer(client, scope)
    with closing(client.socket):
        for id_ in _IDS:
            # The first one brings it up to date.
            client.spoken.clear()
            before = client.bytes_sent + client.bytes_received
            proposer.left = 1
            proposer.propose(id_)
            while not proposer.hear():
                pass
    if only_digits:
        return sum(len(_NUMBER.sub(b"0", text)) for text in client.spoken)
    return client.bytes_sent + client.bytes_received - before
