"""The sealed blob, and the mailboxes it goes through.

Every blob is 4096 bytes, whatever it holds::

    blob         = nonce 12 | AES-256-GCM(key, nonce, aad, padded(body, 4068)) 4084
    tag          = T("mailbox-tag", fetch)[:16]
    pair mailbox = expand(rs, "mailbox", direction || be32(day), 32)

Senders know the tag; only the secret `fetch` of 32 bytes reads the mailbox. Format:
docs/formats/signalling.md.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from voip.errors import MalformedError
from voip.handshake.schedule import expand
from voip.identity.keys import Entropy, T
from voip.wire import be32, pad, unpad

BLOB_BYTES = 4096
"""One size for everything, so that a relay cannot tell kinds apart."""
TAG_BYTES = 16
FETCH_BYTES = 32
_NONCE = 12
_PADDED = BLOB_BYTES - _NONCE - 16  # 16: the tag of AES-GCM
MAX_BODY = _PADDED - 2
_DAY_S = 86400
_TAG_LABEL = b"mailbox-tag"
_PAIR_LABEL = b"mailbox"


def seal_blob(key: bytes, body: bytes, *, aad: bytes = b"", entropy: Entropy) -> bytes:
    """Seal at most 4066 bytes into a blob of 4096, under a random nonce.

    A random nonce serves because a key seals far fewer than 2^32 blobs (NIST SP
    800-38D, 8.3): a call or a board slot sees thousands at most.

    Raises:
        MalformedError: the body is too long.
    """
    nonce = entropy(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, pad(body, _PADDED), aad)


def open_blob(key: bytes, blob: bytes, *, aad: bytes = b"") -> bytes:
    """Open a blob.

    Raises:
        MalformedError: not 4096 bytes, not sealed under this key and `aad`, or padded
            wrongly.
    """
    if len(blob) != BLOB_BYTES:
        raise MalformedError(f"blob: expected {BLOB_BYTES} bytes, came {len(blob)}")
    try:
        padded = AESGCM(key).decrypt(blob[:_NONCE], blob[_NONCE:], aad)
    except InvalidTag:
        raise MalformedError("blob: not sealed under this key") from None
    return unpad(padded)


def mailbox_tag(fetch: bytes) -> bytes:
    """Name the mailbox of the secret `fetch` (32 bytes) for its senders: 16 bytes."""
    return T(_TAG_LABEL, fetch)[:TAG_BYTES]


def pair_direction(recipient: bytes, sender: bytes) -> int:
    """Tell the two mailboxes of a pair apart; both are identity || device_id, 48 bytes.

    0 for the mailbox of the smaller of the two, 1 for that of the larger.
    """
    return 0 if recipient < sender else 1


def pair_fetch(retained: bytes, direction: int, day: int) -> bytes:
    """Derive the fetch secret of a pair mailbox on a day (unix seconds // 86400)."""
    return expand(retained, _PAIR_LABEL, bytes([direction]) + be32(day), FETCH_BYTES)


def pair_fetches(retained: bytes, direction: int, *, now: int) -> tuple[bytes, ...]:
    """Give the secrets to poll at `now` (unix seconds): yesterday, today, tomorrow.

    Three days, so that clocks that differ by hours still meet.
    """
    today = now // _DAY_S
    return tuple(
        pair_fetch(retained, direction, day) for day in (today - 1, today, today + 1)
    )
