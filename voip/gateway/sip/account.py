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

import re
from dataclasses import dataclass

from voip.errors import MalformedError
from voip.gateway.admission import Rule
from voip.gateway.sip.host import Host, user_at_host
from voip.gateway.sip.statements import (
    Codec,
    Keying,
    Transport,
    parse_alias,
    parse_statement,
)

MAX_BYTES = 65536
"""Of a file: a thousand numbers and rules fit."""
MAX_SECRET = 128  # characters of a password; providers give out 8 to 64
DEFAULT_REGISTER_S = 120
"""A connection that breaks is seen by nobody before the next time, and until then no
call comes in."""

_COMMENT = re.compile(r"(?:^|\s)#")
_MISREAD = frozenset('"\\;')


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
                self._take_number(parse_alias(alias), parse_uri(uri))
            case (("allow" | "deny"), [pattern]):
                self._rules.append(Rule(pattern, allows=word == "allow"))
            case _:
                self._take_one(word, values)

    def _take_number(self, alias: str, uri: str) -> None:
        if any(alias == name for name, _ in self._numbers):
            raise MalformedError(f"{alias!r} has a number already")
        self._numbers.append((alias, uri))

    def _take_one(self, word: str, values: list[str]) -> None:
        fields = parse_statement(word, values)
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


def parse_uri(text: str) -> str:
    """Read whom to call: `sip:USER@HOST[:PORT]`, and nothing after it.

    Raises:
        MalformedError: it is none, or has what `admission.normalised` refuses, or a
            parameter: the transport is the account's.
    """
    user, host = user_at_host(text)
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
