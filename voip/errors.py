"""What can go wrong with a call; every error of `voip` is a `CallError`.

::

    CallError
    ├── UnreachableError         could not ask: no answer, or not in time; try again
    ├── MissingError             a device, a library or a helper is not there
    ├── RefusedError             do not retry, do not proceed
    │   ├── MalformedError       bytes or text that do not parse
    │   ├── HandshakeError       one uniform reason, whatever it was
    │   ├── CertificateError     a call-key certificate that does not hold
    │   │   └── RollbackError    older than one already seen: trust is broken
    │   ├── TrustError           who this is, or was, is in doubt: the user must look
    │   ├── LimitError           a quota, a size or a rate
    │   ├── NotAllowedError      nobody here granted it
    │   └── NoEncryptionError    the other side offers none that counts
    ├── UnexpectedEventError     the call machine has no place for this event now
    ├── KeyReuseError            a media key was asked for twice; nothing was sent
    └── StoreError               the sealed store cannot be read or written
        └── PassphraseError      wrong passphrase, or a damaged file: the same to us

Messages are lower case, say what was expected and what came, and hold no secret.
"""


class CallError(Exception):
    """Anything `voip` raises on purpose."""


class UnreachableError(CallError):
    """Nobody answered, or not in time; trying again later is right."""


class MissingError(CallError):
    """Something this machine needs for the call is not there."""


class RefusedError(CallError):
    """Looked at and refused; trying again without a change is wrong."""


class MalformedError(RefusedError):
    """Bytes or text that are not what their format says."""


class HandshakeError(RefusedError):
    """The handshake failed.

    Carries no detail: a peer who could tell one failure from another would have an
    oracle.
    """


class CertificateError(RefusedError):
    """A call-key certificate that is expired, rolled back or not signed by its key."""


class RollbackError(CertificateError):
    """A certificate older than one seen before: somebody uses a former key."""


class TrustError(RefusedError):
    """The other side may not be who it was; only the user can settle it."""


class LimitError(RefusedError):
    """Over a quota, a size or a rate."""


class NotAllowedError(RefusedError):
    """Asked for by somebody who may not, or of somebody who may not be reached."""


class NoEncryptionError(RefusedError):
    """The other side offers no encryption, or none that counts."""


class UnexpectedEventError(CallError):
    """An event that has no place in the present state; nothing changed."""


class KeyReuseError(CallError):
    """A second use of a key that must be used once (SRTP keystream reuse)."""


class StoreError(CallError):
    """The sealed store cannot be opened, read or written."""


class PassphraseError(StoreError):
    """Wrong passphrase, or the file is damaged; nobody can tell which."""
