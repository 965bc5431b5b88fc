"""Who asks behind each kind of proxy: its own word counts, what a stranger sent along does not."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from bot.setting_values import PRIVATE
from bot.web.proxy_headers import Network, caller

XFF, FORWARDED = "X-Forwarded-For", "Forwarded"
CDN: tuple[Network, ...] = (*PRIVATE, ip_network("173.245.48.0/20"), ip_network("2400:cb00::/32"))
NONE: tuple[Network, ...] = ()
ANA, FORGED = "198.51.100.7", "203.0.113.66"
Lines = list[tuple[str, str]]


def asked(peer: str | None, lines: Lines, trusted: tuple[Network, ...] = PRIVATE) -> str:
    return caller(peer, CIMultiDictProxy(CIMultiDict(lines)), trusted)


@pytest.mark.parametrize(
    ("peer", "lines", "trusted"),
    [
        pytest.param("127.0.0.1", [(XFF, ANA)], PRIVATE, id="nginx"),
        pytest.param("127.0.0.1", [(XFF, f"{FORGED}, {ANA}")], PRIVATE, id="nginx adds to what was sent"),
        pytest.param("10.0.0.3", [(XFF, FORGED), (XFF, ANA)], PRIVATE, id="HAProxy adds a line"),
        pytest.param("10.0.0.3", [(XFF, ""), (XFF, f"{ANA},")], PRIVATE, id="empty parts"),
        pytest.param(
            "10.0.0.3", [(FORWARDED, f"for={FORGED}, for={ANA};proto=https")], PRIVATE, id="HAProxy's Forwarded"
        ),
        pytest.param("10.0.0.4", [(XFF, f"{ANA}:51234")], PRIVATE, id="Azure adds the port"),
        pytest.param("10.0.0.4", [(XFF, f"{FORGED}:1, {ANA}:51234")], PRIVATE, id="Azure, forged"),
        pytest.param("10.0.0.5", [(XFF, f"{ANA}, 173.245.48.9")], CDN, id="CDN and ingress"),
        pytest.param("10.0.0.5", [(XFF, f"{FORGED}, {ANA}, 173.245.48.9, 10.1.2.3")], CDN, id="CDN and two proxies"),
        pytest.param("173.245.48.9", [(XFF, ANA)], CDN, id="CDN alone"),
        pytest.param("::ffff:10.0.0.5", [(XFF, f"::ffff:{ANA}")], PRIVATE, id="mapped addresses"),
        pytest.param("fe80::1%eth0", [(XFF, ANA)], PRIVATE, id="link-local with its zone"),
        pytest.param("::1", [(FORWARDED, f'by=_x;FOR="{ANA}:80"')], PRIVATE, id="quoted, with a port"),
        pytest.param("10.0.0.3", [(XFF, ANA), (FORWARDED, f"for={ANA}")], PRIVATE, id="both say the same"),
        pytest.param(ANA, [], PRIVATE, id="no proxy"),
        pytest.param(ANA, [(XFF, FORGED), (FORWARDED, f"for={FORGED}")], PRIVATE, id="no proxy, forged"),
        pytest.param(ANA, [(XFF, FORGED)], NONE, id="nobody is trusted"),
    ],
)
def test_client_address_is_last_untrusted_proxy_entry(peer: str, lines: Lines, trusted: tuple[Network, ...]) -> None:
    assert asked(peer, lines, trusted) == ANA


@pytest.mark.parametrize(
    "garbage", ["nonsense", "unknown", "_hidden", "1.2.3", "256.1.1.1", "[", "1.2.3.4:x", "é", "01.2.3.4"]
)
def test_unreadable_proxy_entry_and_beyond_is_not_trusted(garbage: str) -> None:
    assert asked("10.0.0.3", [(XFF, garbage)]) == "10.0.0.3"
    assert asked("10.0.0.3", [(XFF, f"{FORGED}, {garbage}")]) == "10.0.0.3"
    assert asked("10.0.0.3", [(XFF, f"{FORGED}, {garbage}, 10.0.0.9")]) == "10.0.0.9"
    assert asked("10.0.0.3", [(FORWARDED, f"for={FORGED}, for={garbage}")]) == "10.0.0.3"


@pytest.mark.parametrize("line", ['for="', "proto=https", "for", 'for="[2001:db8::1"', ";;", "x-for=9.9.9.9"])
def test_a_broken_forwarded_says_nothing(line: str) -> None:
    assert asked("10.0.0.3", [(FORWARDED, line)]) == "10.0.0.3"


def test_two_headers_that_differ_are_neither_believed() -> None:
    assert asked("10.0.0.3", [(XFF, FORGED), (FORWARDED, f"for={ANA}")]) == "10.0.0.3"


def test_a_network_of_ipv6_is_one_who_asks() -> None:
    for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "[2001:db8:1:2::1]:443", "[2001:db8:1:2::1]"):
        assert asked("10.0.0.3", [(XFF, address)]) == "2001:db8:1:2::/64"
    assert asked("10.0.0.3", [(FORWARDED, 'for="[2001:db8:1:2::1]:47"')]) == "2001:db8:1:2::/64"
    assert asked("2001:db8:1:2::7", []) == "2001:db8:1:2::/64"
    assert asked(None, [(XFF, ANA)]) == "None"


@given(
    st.lists(st.tuples(st.sampled_from([XFF, FORWARDED]), st.text(max_size=60)), max_size=4),
    st.sampled_from(["10.0.0.3", "8.8.8.8", "::1", None, "x"]),
)
def test_no_header_breaks_it(lines: Lines, peer: str | None) -> None:
    asked(peer, lines)


def test_a_long_header_takes_no_time() -> None:
    for line in ('"' * 8000, 'for="\\' * 2000, "for=1.1.1.1," * 700, ",;" * 4000, 'for="a' * 1300):
        asked("10.0.0.3", [(FORWARDED, line)] * 100 + [(XFF, line)] * 100)
