"""What a line of an account's file may say.

Rules. Format: docs/formats/sip-worker.md.
"""

import re
from enum import StrEnum

from voip.errors import MalformedError
from voip.gateway.sip.host import parse_host, user_at_host

MIN_REGISTER_S = 30  # a registrar answers 423 to less (RFC 3261 §10.2.8)
MAX_REGISTER_S = 86400

_ALIAS = re.compile(r"\S{1,64}")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_LOGIN = re.compile(r"[A-Za-z0-9_.!~*+#()@-]{1,64}")
"""As a user is spelt, and as providers spell a login."""

_STATEMENTS = (
    "account sip:USER@HOST, password-file PATH, login NAME, proxy HOST,"
    " transport udp|tcp|tls, keying sdes|dtls|none, codecs NAME..., register SECONDS,"
    " listen PORT,"
    " video yes|no, unencrypted allowed, number ALIAS URI, ring ALIAS, allow PATTERN,"
    " deny PATTERN"
)


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


def parse_statement(word: str, values: list[str]) -> dict[str, object]:  # noqa: PLR0911, PLR0912, C901 -- a table
    """Read a statement that may be said once; gives the fields of the account by name.

    Raises:
        MalformedError: it is none, or its value is none.
    """
    match word, values:
        case "account", [uri]:
            user, host = user_at_host(uri)
            return {"user": user, "host": host}
        case "password-file", [path]:
            return {"password_file": path}
        case "login", [name]:
            return {"login": _login(name)}
        case "proxy", [uri]:
            return {"proxy": parse_host(uri)}
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
            return {"ring": parse_alias(alias)}
        case _:
            raise MalformedError(
                f"expected one of {_STATEMENTS}; came {' '.join([word, *values])!r}"
            )


def parse_alias(text: str) -> str:
    """Read the name of a contact.

    Raises:
        MalformedError: it has blanks, or more than 64 characters.
    """
    if not (_ALIAS.fullmatch(text) and text.isprintable()):
        raise MalformedError(
            f"expected an alias of at most 64 characters, came {text!r}"
        )
    return text


def _login(text: str) -> str:
    if not _LOGIN.fullmatch(text):
        raise MalformedError(f"expected a login of 1 to 64 characters, came {text!r}")
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
