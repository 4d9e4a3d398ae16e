"""End-to-end encrypted calls between people who hold keys.

The names below are the library's front door, and docs/library.md shows them in use.
They are loaded when asked for (PEP 562): ``import voip`` loads no network library. The
file ``__init__.pyi`` tells type checkers the same.
"""

import importlib

_HOMES = {
    "CallError": "voip.errors",
    "Conversation": "voip.conversation",
    "End": "voip.events",
    "Endpoint": "voip.endpoint",
    "IceConfig": "voip.media.connect.config",
    "MediaPlan": "voip.media.plan",
    "Messenger": "voip.signalling.post",
    "News": "voip.news",
    "Passphrase": "voip.identity.unlock",
    "Settings": "voip.endpoint",
    "Signer": "voip.identity.signer",
    "SignerKind": "voip.identity.vault",
    "SignerSource": "voip.identity.vault",
    "State": "voip.call",
    "Store": "voip.identity.store",
    "Trust": "voip.identity.trust",
    "TrustState": "voip.identity.trust",
    "Vault": "voip.identity.vault",
    "add_contact": "voip.identity.person",
    "begin": "voip.identity.person",
    "format_card": "voip.identity.card",
    "open_endpoint": "voip.open",
    "open_ends": "voip.media.ends.open",
    "parse_card": "voip.identity.card",
    "parse_choice": "voip.media.ends.choice",
    "parse_relay": "voip.identity.card",
    "with_announcement": "voip.dialling",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 -- read from the one list, not written twice


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'voip' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
