"""Types and parsers of settings for the running bot, without the validation library, which takes 14 MB."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

Network = IPv4Network | IPv6Network
# Loopback, RFC 1918, link-local and RFC 4193: addresses of a proxy on this machine or in this cluster.
PRIVATE: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)


POOLING, TRANSACTION_POOLING = "pgbouncer", "transaction"  # as parameter of an address


class InvalidSettings(Exception):
    """Invalid settings; `lines` has one sentence per fault: the setting, what is wrong, an example."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Secret:
    """A secret that never prints itself: pydantic's SecretStr as far as the running bot uses it, without pydantic."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def get_secret_value(self) -> str:
        """Return the secret itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('**********')"


class SettingValues:
    """Validated settings as attributes, as immutable as the class that validates them."""

    def __init__(self, values: dict[str, Any]) -> None:
        vars(self).update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{name} can't be set: settings are read once")


def split(value: str) -> SplitResult:
    """Return the parts of a URL. Raises ValueError for an invalid one."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        # `from None` and a separate message: Python's quotes the address, which may contain a password
        raise ValueError("isn't a valid address: its host or port can't be read") from None
    return parts


LABELS = r"[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?)*\.?"  # each is 63 characters at most
_HOST = rf"(?:{LABELS}|\[[0-9A-Fa-f:.]+\])"
HOST_AND_PORT = re.compile(rf"{_HOST}(?::\d*)?")


_SQLITE = "sqlite:///"
_FORGETS = "is a database in memory, which is lost at a restart"
POSTGRESQL = ("postgresql://", "postgres://")
# Strict, since a library that reads it otherwise shows a part of a password as the host: a `#` ends the
# host for one library, an `@` the password for another.
_SERVER = re.compile(
    r"postgres(?:ql)?://"
    r"(?:[^\s:/?#@\[\]]*(?::[^\s/?#@\[\]]*)?@)?"
    r"(?:{host}(?::\d*)?(?:,{host}(?::\d*)?)*)?"
    r"(?:/[^\s/?#@]*)?(?:\?[^\s#@]*)?".format(host=rf"(?:{_HOST}|(?:%2[Ff][\w.%-]+))")
)


def database_address(value: str) -> str:
    """Return the normalised `sqlite:///<file>` or `postgresql://…` address: lower-case scheme, stripped.

    Raises ValueError, with a correction, for a database in memory, an address that would open another file than it
    seems to, and an unsupported driver. The message contains no password, only a file's name.
    """
    value = value.strip()
    scheme, colon, rest = value.partition(":")
    kind = scheme.lower().partition("+")[0]
    if value == ":memory:":
        raise ValueError(f"{_FORGETS}; write {_SQLITE}bot.db")
    if not colon or not kind.isalnum() or len(kind) == 1 or kind == "file":
        raise ValueError(f"isn't a database address; write {_spelt(value.removeprefix('file:').removeprefix('//'))}")
    address = f"{scheme.lower()}:{rest}"
    if kind in ("sqlite", "sqlite3"):
        return _sqlite_address(address)
    if not address.startswith(POSTGRESQL):
        raise ValueError("must start with sqlite:/// or postgresql://, without a driver name")
    if not _SERVER.fullmatch(address) or not _splits(address):
        raise ValueError(
            "isn't a valid address: its host or port can't be read. In user name and password, write "
            "@ as %40, / as %2F, ? as %3F, # as %23 and a space as %20"
        )
    return _hosts_apart(address)


def _splits(address: str) -> bool:
    try:
        urlsplit(address)
    except ValueError:
        return False
    return True


def _hosts_apart(address: str) -> str:
    """Return `postgresql://…@one:1,two:2/db`, as libpq takes it, with its hosts in the query, as SQLAlchemy does.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS
    """
    scheme, _, rest = address.partition("://")
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    person, at, hosts = authority.rpartition("@")
    if "," not in hosts:
        return address
    path, _, query = rest[len(authority) :].partition("?")
    named = "&".join([*(f"host={host}" for host in hosts.split(",")), *([query] if query else [])])
    return f"{scheme}://{person}{at}{path or '/'}?{named}"


def _sqlite_address(address: str) -> str:
    file = address.removeprefix(_SQLITE)
    path = unquote(file)  # as SQLAlchemy does
    wrong = ""
    if not address.startswith(_SQLITE):
        wrong = "needs sqlite:/// and then the file"
    elif path in ("", "/") or ":memory:" in path or "mode=memory" in path or path.startswith("file:"):
        wrong = _FORGETS
    elif path.startswith("//") or path.startswith("/") != file.startswith("/"):
        wrong = "needs three slashes before a relative path, four before an absolute one"
    elif not path.isprintable() or path.endswith("/") or set(path) & set("?#:\\"):
        wrong = "must have only a file name"
    if wrong:
        raise ValueError(f"{wrong}; write {_spelt(address.partition(':')[2])}")
    return address


def _spelt(typed: str) -> str:
    """Return a corrected address of the file, if it can be determined, without anything that could be a password."""
    named = re.fullmatch(r"(/*)(?:localhost/)?([\w.~/-]+\.(?:db|sqlite3?))(?:[?#].*)?", unquote(typed), re.DOTALL)
    if named is None:
        return f"{_SQLITE}bot.db"
    return f"{_SQLITE}{'/' if len(named[1]) in (1, 4, 5) else ''}{named[2]}"


def networks(value: str) -> tuple[Network, ...]:
    """Return the networks in a comma-separated list; `private` stands for the private ranges, `none` for none."""
    words = [word.strip().lower() for word in value.split(",") if word.strip()]
    return tuple(network for word in words if word != "none" for network in _network(word))


def _network(word: str) -> tuple[Network, ...]:
    if word == "private":
        return PRIVATE
    try:
        return (ip_network(word, strict=False),)
    except ValueError:
        raise ValueError("may only have networks like 10.0.0.0/8, private or none") from None
