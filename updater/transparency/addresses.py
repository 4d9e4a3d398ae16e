"""Where a log's witnesses are asked, and where what they signed can be read.

A witness has a submission prefix (it is sent checkpoints), a monitoring prefix (what it
signed is read there), or both; one that only pulls has the second alone. The file is
private to the log's operator; its form is in docs/formats/log-folder.md.
"""

import re
from dataclasses import dataclass

from updater import jcs, shape
from updater.errors import MalformedError
from updater.jcs import Json

MAX_BYTES = 65_536
"""Of the file: 64 witnesses with two addresses each."""

_SCHEMA = "ringfence-bt-witnesses/1"
_MOST = 64  # witnesses, as in a policy
_NAME = re.compile(r"[^\x00-\x20]{1,200}")
_PREFIX = re.compile("[!-~]{1,500}")


@dataclass(frozen=True, slots=True)
class Address:
    """How one witness is reached; at least one of the two is there."""

    submission: str | None = None
    """URL below which ``add-checkpoint`` is answered."""
    monitoring: str | None = None
    """URL or folder below which ``<place>/checkpoint`` is found."""


def parse_addresses(data: bytes) -> dict[str, Address]:
    """Read the file: from a witness's name in the policy to its address.

    Raises:
        MalformedError: it is none.
    """
    found = shape.record(
        jcs.parse(data, most=MAX_BYTES), "witnesses", ("schema", "witnesses")
    )
    shape.one_of(found["schema"], "schema", _SCHEMA)
    listed = found["witnesses"]
    if not isinstance(listed, dict) or len(listed) > _MOST:
        raise MalformedError(f"witnesses: expected an object of at most {_MOST}")
    return {
        shape.text(name, "witness", _NAME): _address(value, name)
        for name, value in listed.items()
    }


def format_addresses(addresses: dict[str, Address]) -> bytes:
    """Write the file as `parse_addresses` reads it."""
    witnesses: dict[str, Json] = {
        name: {"monitoring": each.monitoring, "submission": each.submission}
        for name, each in addresses.items()
    }
    return jcs.write({"schema": _SCHEMA, "witnesses": witnesses})


def _address(value: Json, name: str) -> Address:
    found = shape.record(value, f"witness {name!r}", ("monitoring", "submission"))
    address = Address(_prefix(found["submission"]), _prefix(found["monitoring"]))
    if address == Address():
        raise MalformedError(f"witness {name!r}: expected one of its two prefixes")
    return address


def _prefix(value: Json) -> str | None:
    # A slash at the end would be doubled, and some servers tell the two apart.
    found = None if value is None else shape.text(value, "prefix", _PREFIX)
    if found is not None and found.endswith("/"):
        raise MalformedError(f"prefix {found!r}: expected no slash at its end")
    return found
