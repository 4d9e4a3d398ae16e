"""A telephone account: a text file that a person reads and writes.

Rules. One statement a line, `#` begins a comment; every line is understood or refused,
with its number. ::

    account sip:alice@pbx.example
    password-file pbx.password
    transport tls
    keying sdes
    number bob sip:+493012345@pbx.example
    allow sip:+4930*@pbx.example

Format: docs/formats/sip-worker.md.
"""

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum

from voip.errors import MalformedError, NotAllowedError
from voip.gateway.admission import Rule, normalised

MAX_BYTES = 65536
"""Of a file: a thousand numbers and rules fit."""
MAX_SECRET = 128  # characters of a password; providers give out 8 to 64
DEFAULT_REGISTER_S = 600
MIN_REGISTER_S = 30  # a registrar answers 423 to less (RFC 3261 §10.2.8)
MAX_REGISTER_S = 86400

_ALIAS = re.compile(r"\S{1,64}")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_COMMENT = re.compile(r"(?:^|\s)#")
_LOGIN = re.compile(r"[A-Za-z0-9_.!~*+#()@-]{1,64}")
"""As a user is spelt, and as providers spell a login."""

_MISREAD = frozenset('"\\;')


class Transport(StrEnum):
    """What carries SIP to the exchange."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class Keying(StrEnum):
    """How the keys of the sound are agreed on."""

    SDES = "sdes"
    DTLS = "dtls"
    NONE = "none"


class Codec(StrEnum):
    """A form of sound."""

    OPUS = "opus"
    PCMU = "pcmu"
    PCMA = "pcma"


@dataclass(frozen=True, slots=True)
class Host:
    """Where an exchange is: a DNS name or an address, and a port if one is given."""

    name: str
    port: int | None = None

    @property
    def is_literal(self) -> bool:
        """Whether it is an IP address: a certificate's name is not checked then."""
        return _address(self.name) is not None

    def __str__(self) -> str:
        """Write it as a SIP URI has it."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port is None else f"{name}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SipAccount:
    """What an account file says.

    Attributes:
        user: the part before the @.
        host: who we register with, after the @.
        password_file: as written; relative to the account file.
        login: the name for the password, if it is not `user`.
        proxy: where all requests go, if not to `host`.
        register_s: how often to register anew; 0 for a trunk that knows us.
        listen: the port for SIP, where a trunk must know it; else any.
        has_video: pictures are offered, as VP8.
        may_be_plain: `--allow-unencrypted` may be given with this account.
        numbers: whom a contact's alias calls, as a SIP URI.
        ring: the contact that is called when the telephone rings.
        rules: whom others may have called: contacts who ask for a telephone, and
            telephones that transfer us; see `voip.gateway.admission`.
    """

    user: str
    host: Host
    password_file: str | None = None
    login: str | None = None
    proxy: Host | None = None
    transport: Transport = Transport.TLS
    keying: Keying = Keying.SDES
    codecs: tuple[Codec, ...] = tuple(Codec)
    register_s: int = DEFAULT_REGISTER_S
    listen: int | None = None
    has_video: bool = False
    may_be_plain: bool = False
    numbers: tuple[tuple[str, str], ...] = ()
    ring: str | None = None
    rules: tuple[Rule, ...] = ()

    @property
    def exchange(self) -> Host:
        """Whom every request goes to, and whose certificate is checked."""
        return self.proxy or self.host

    @property
    def is_authenticated(self) -> bool:
        """Whether the exchange proves its name: TLS, and a name to prove."""
        return self.transport is Transport.TLS and not self.exchange.is_literal

    def number_of(self, alias: str) -> str | None:
        """Give the URI under which a contact is called, if there is one."""
        return next((uri for name, uri in self.numbers if name == alias), None)


def parse_account(data: bytes) -> SipAccount:
    """Read an account file.

    Raises:
        MalformedError: one sentence, with the number of the line.
    """
    if len(data) > MAX_BYTES:
        raise MalformedError(
            f"account: expected at most {MAX_BYTES} bytes, came {len(data)}"
        )
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise MalformedError("account: expected UTF-8") from None
    reading = _Reading()
    for number, line in enumerate(text.split("\n"), 1):
        # A user may hold a #, so a comment begins the line or follows a blank.
        words = _COMMENT.split(line)[0].split()
        if words:
            try:
                reading.take(words[0], words[1:])
            except MalformedError as error:
                raise MalformedError(f"account, line {number}: {error}") from None
    return reading.finish()


class _Reading:
    """What was read of a file so far."""

    def __init__(self) -> None:
        self._said: dict[str, object] = {}
        self._numbers: list[tuple[str, str]] = []
        self._rules: list[Rule] = []

    def take(self, word: str, values: list[str]) -> None:
        match word, values:
            case "number", [alias, uri]:
                self._take_number(_alias(alias), parse_uri(uri))
            case (("allow" | "deny"), [pattern]):
                self._rules.append(Rule(pattern, allows=word == "allow"))
            case _:
                self._take_one(word, values)

    def _take_number(self, alias: str, uri: str) -> None:
        if any(alias == name for name, _ in self._numbers):
            raise MalformedError(f"{alias!r} has a number already")
        self._numbers.append((alias, uri))

    def _take_one(self, word: str, values: list[str]) -> None:
        fields = _statement(word, values)
        for name in fields:
            if name in self._said:
                raise MalformedError(f"{word!r} is said twice")
        self._said |= fields

    def finish(self) -> SipAccount:
        said = self._said
        if "user" not in said:
            raise MalformedError("account: no line 'account sip:USER@HOST'")
        if said.get("keying") is Keying.NONE and not said.get("may_be_plain"):
            raise MalformedError(
                "account: 'keying none' needs the line 'unencrypted allowed'"
            )
        return SipAccount(
            numbers=tuple(self._numbers),
            rules=tuple(self._rules),
            **said,  # type: ignore[arg-type] # each was made for its field
        )


def _statement(word: str, values: list[str]) -> dict[str, object]:  # noqa: PLR0911, PLR0912, C901 -- a table
    match word, values:
        case "account", [uri]:
            user, host = _user_at_host(uri)
            return {"user": user, "host": host}
        case "password-file", [path]:
            return {"password_file": path}
        case "login", [name]:
            return {"login": _login(name)}
        case "proxy", [uri]:
            return {"proxy": _exchange(uri)}
        case "transport", [name]:
            return {"transport": _one_of(Transport, name)}
        case "keying", [name]:
            return {"keying": _one_of(Keying, name)}
        case "codecs", [_, *_] as names:
            return {"codecs": _codecs(names)}
        case "register", [seconds]:
            return {"register_s": _register_s(seconds)}
        case "listen", [port]:
            return {"listen": _port(port)}
        case "video", [answer]:
            return {"has_video": _yes(answer)}
        case "unencrypted", ["allowed"]:
            return {"may_be_plain": True}
        case "ring", [alias]:
            return {"ring": _alias(alias)}
        case _:
            raise MalformedError(
                f"expected one of {_STATEMENTS}; came {' '.join([word, *values])!r}"
            )


_STATEMENTS = (
    "account sip:USER@HOST, password-file PATH, login NAME, proxy HOST,"
    " transport udp|tcp|tls, keying sdes|dtls|none, codecs NAME..., register SECONDS,"
    " listen PORT,"
    " video yes|no, unencrypted allowed, number ALIAS URI, ring ALIAS, allow PATTERN,"
    " deny PATTERN"
)


def parse_uri(text: str) -> str:
    """Read whom to call: `sip:USER@HOST[:PORT]`, and nothing after it.

    Raises:
        MalformedError: it is none, or has what `admission.normalised` refuses, or a
            parameter: the transport is the account's.
    """
    user, host = _user_at_host(text)
    return f"sip:{user}@{host}"


def parse_password(data: bytes) -> str:
    """Read a password file: one line.

    Raises:
        MalformedError: it has several, none, or a character that the stack misreads.
    """
    try:
        text = data.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise MalformedError("password: expected UTF-8") from None
    if not 1 <= len(text) <= MAX_SECRET:
        raise MalformedError(
            f"password: expected 1 to {MAX_SECRET} characters, came {len(text)}"
        )
    check_password(text)
    return text


def check_password(text: str) -> None:
    """Check that the stack reads a password as it is.

    Raises:
        MalformedError: it would read another, or a parameter of the account.
    """
    # The stack knows no escapes, and a semicolon ends a parameter, between quotes too.
    if not text.isprintable() or not _MISREAD.isdisjoint(text):
        raise MalformedError(
            "password: expected one line without quotation mark, backslash and"
            " semicolon"
        )


def _user_at_host(uri: str) -> tuple[str, Host]:
    try:
        spelt = normalised(uri)
    except NotAllowedError as error:
        raise MalformedError(f"{error}; came {uri!r}") from None
    rest = spelt.removeprefix("sip:")
    if rest == spelt or ";" in rest:
        raise MalformedError(f"expected sip:USER@HOST and no more, came {uri!r}")
    user, _, place = rest.partition("@")
    name, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        name, port = place, ""
    return user, Host(name.strip("[]"), int(port) if port else None)


def _exchange(text: str) -> Host:
    try:
        return _user_at_host(f"sip:x@{text}")[1]
    except MalformedError:
        raise MalformedError(f"expected HOST or HOST:PORT, came {text!r}") from None


def _login(text: str) -> str:
    if not _LOGIN.fullmatch(text):
        raise MalformedError(f"expected a login of 1 to 64 characters, came {text!r}")
    return text


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _alias(text: str) -> str:
    if not (_ALIAS.fullmatch(text) and text.isprintable()):
        raise MalformedError(
            f"expected an alias of at most 64 characters, came {text!r}"
        )
    return text


def _one_of(kind: type[Transport | Keying | Codec], text: str) -> object:
    for each in kind:
        if each == text:
            return each
    raise MalformedError(f"expected one of {', '.join(kind)}, came {text!r}")


def _codecs(names: list[str]) -> tuple[object, ...]:
    found = tuple(_one_of(Codec, name) for name in names)
    if len(set(found)) != len(found):
        raise MalformedError(f"a codec is named twice: {' '.join(names)}")
    return found


def _register_s(text: str) -> int:
    if text == "never":
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= 5):
        raise MalformedError(f"expected seconds or 'never', came {text!r}")
    seconds = int(text)
    if not MIN_REGISTER_S <= seconds <= MAX_REGISTER_S:
        raise MalformedError(
            f"expected {MIN_REGISTER_S} to {MAX_REGISTER_S} seconds, came {seconds}"
        )
    return seconds


def _port(text: str) -> int:
    if not (_PORT.fullmatch(text) and int(text) <= 65535):
        raise MalformedError(f"expected a port of 1 to 65535, came {text!r}")
    return int(text)


def _yes(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise MalformedError(f"expected yes or no, came {text!r}")
    return text == "yes"
