"""Determine the client's address behind proxies, by the headers of trusted proxies only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from multidict import CIMultiDictProxy

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_LONGEST = 4096  # characters of Forwarded that are read
_NODE = re.compile(r"\[(?P<six>[^\]]*)\](?::\d{1,5})?|(?P<four>[\d.]+):\d{1,5}|(?P<bare>[^\[\]]+)")
_ELEMENT = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*")+')
_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*(?:;|$)', re.IGNORECASE)


def caller(peer: str | None, headers: CIMultiDictProxy[str], trusted: Sequence[Network]) -> str:
    """Return the client: an IPv4 address or an IPv6 /64 network, all of whose addresses belong to one client.

    From the peer on, each trusted proxy's entry is believed about the previous hop, up to the first that is not trusted
    or invalid. If X-Forwarded-For and Forwarded (RFC 7239) differ, one of them was sent by the client: only the peer's
    own address is certain then.
    """
    nearest = _address(peer or "")
    chains = [chain for chain in (_x_forwarded_for(headers), _forwarded(headers)) if chain]
    found = {_walk(nearest, chain, trusted) for chain in chains}
    return _bucket(found.pop() if len(found) == 1 else nearest)


def _walk(nearest: Address | None, chain: Iterable[str], trusted: Sequence[Network]) -> Address | None:
    at = nearest
    for hop in chain:
        if at is None or not any(at in network for network in trusted):
            break
        before = _node(hop)
        if before is None:
            break
        at = before
    return at


def _bucket(address: Address | None) -> str:
    return str(ip_network((int(address), 64), strict=False)) if isinstance(address, IPv6Address) else str(address)


# ------------------------------------------------------------------ the two headers, nearest first


def _x_forwarded_for(headers: CIMultiDictProxy[str]) -> list[str]:
    """Join the entries of all lines: some proxies extend the existing line, others (HAProxy) add a line."""
    parts = ",".join(headers.getall("X-Forwarded-For", ())).split(",")
    return [part.strip() for part in reversed(parts) if part.strip()]


def _forwarded(headers: CIMultiDictProxy[str]) -> list[str]:
    line = ",".join(headers.getall("Forwarded", ()))[-_LONGEST:]
    return [*_for(line)][::-1] if line.strip() else []


def _for(line: str) -> Iterator[str]:
    for element in _ELEMENT.findall(line):
        match = _FOR.search(element)
        yield re.sub(r"\\(.)", r"\1", match[1]) if match and match[1] is not None else match[2] if match else ""


# ------------------------------------------------------------------ addresses


def _node(text: str) -> Address | None:
    """Parse an address with or without a port (Azure's gateway adds one) and brackets; None for anything else."""
    match = _NODE.fullmatch(text)
    return _address(match["six"] or match["four"] or match["bare"] or "") if match else None


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
