"""A message of SIP as it is written down, for whoever looks for a fault.

Rules. ::

    2026-11-22T16:33:01.250Z TX TLS 192.0.2.7:35874 -> 192.0.2.1:5061
      INVITE sip:200@pbx.example SIP/2.0
      ...
      a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:[left out]

What would open the sound, or let somebody guess the password, is left out. Who calls
whom, and from which addresses, is what a trace is for: it stays.
"""

import datetime as dt
import re

MAX_TEXT = 65536
"""Characters of a message that are written; the stack takes no longer one."""
LEFT_OUT = "[left out]"

# RFC 4568 §6.1: one crypto line may have several keys.
_KEY = re.compile(r"(inline:)[^\s|;]*", re.IGNORECASE)
# The answer to a challenge can be guessed at without asking (RFC 3261 §22); so can what
# the exchange proves in its turn. Continued on lines that begin with a blank (§7.3.1).
_PROOF = re.compile(
    r"^((?:proxy-)?authorization|authentication-info)([ \t]*:)[^\n]*(?:\n[ \t][^\n]*)*",
    re.IGNORECASE | re.MULTILINE,
)
# RFC 4566 §5.12 and RFC 4567: two other ways to write a key into a description.
_OTHER_KEY = re.compile(
    r"^(k=|a=key-mgmt:)[^\n]*(?:\n[ \t][^\n]*)*", re.IGNORECASE | re.MULTILINE
)


def format_traced(text: str, now: float) -> str:
    """Write a message, its first line as the stack gives it: who sent it to whom.

    What a stranger wrote is indented, so that it cannot look like a message of its own,
    and holds no control characters.

    Args:
        text: the stack's words, and the message.
        now: when it was seen, unix seconds.
    """
    text = text[:MAX_TEXT].replace("\r\n", "\n").replace("\r", "\n")
    text = _KEY.sub(rf"\1{LEFT_OUT}", text)
    text = _PROOF.sub(rf"\1\2 {LEFT_OUT}", text)
    text = _OTHER_KEY.sub(rf"\1{LEFT_OUT}", text)
    head, *lines = text.strip("\n").split("\n")
    at = dt.datetime.fromtimestamp(now, dt.UTC).isoformat(timespec="milliseconds")
    first = f"{at.removesuffix('+00:00')}Z {_plain(head)}\n"
    return first + "".join(f"  {_plain(line)}".rstrip() + "\n" for line in lines)


def _plain(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(each if each.isprintable() else _escape(each) for each in line)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
