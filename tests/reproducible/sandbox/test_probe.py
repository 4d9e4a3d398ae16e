import json
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.errors import IsolationError
from reproducible.sandbox.probe import (
    KINDS,
    MAX_REPORT_BYTES,
    Facts,
    Seen,
    check_probe,
    parse_report,
)
from updater.errors import MalformedError

HOST: Final = {kind: f"{kind}:[1]" for kind in KINDS}
SEEN: Final = Seen(
    interfaces=("lo",), tcp4="ENETUNREACH", tcp6="EADDRNOTAVAIL", sockets=0,
    namespaces={kind: f"{kind}:[2]" for kind in KINDS}, own_proc=True,
    switch="EROFS", vsock="EAFNOSUPPORT", home=("py",),
)  # fmt: skip
FACTS: Final[dict[str, Any]] = {
    part.name: 7 if part.type is int else part.name for part in fields(Facts)
}
REPORT: Final[dict[str, Any]] = {"seen": asdict(SEEN), "facts": FACTS}


def test_a_report_is_read() -> None:
    report = parse_report(json.dumps(REPORT).encode())

    assert report.seen == SEEN
    assert asdict(report.facts) == FACTS


def _without_facts(report: dict[str, Any]) -> None:
    del report["facts"]


def _with_more(report: dict[str, Any]) -> None:
    report["more"] = 1


def _with_a_text_for_a_number(report: dict[str, Any]) -> None:
    report["facts"]["umask"] = "18"


def _with_an_escape(report: dict[str, Any]) -> None:
    report["facts"]["hostname"] = "\x1b[31m"


def _without_a_namespace(report: dict[str, Any]) -> None:
    del report["seen"]["namespaces"]["net"]


def _with_many_interfaces(report: dict[str, Any]) -> None:
    report["seen"]["interfaces"] = ["a"] * 65


@pytest.mark.parametrize(
    "change",
    [_without_facts, _with_more, _with_a_text_for_a_number, _with_an_escape,
     _without_a_namespace, _with_many_interfaces],
)  # fmt: skip
def test_a_report_of_another_shape_is_refused(
    change: Callable[[dict[str, Any]], None],
) -> None:
    report = json.loads(json.dumps(REPORT))
    change(report)

    with pytest.raises(MalformedError):
        parse_report(json.dumps(report).encode())


def test_a_report_without_end_is_refused() -> None:
    with pytest.raises(MalformedError, match="at most 65536 bytes"):
        parse_report(b" " * (MAX_REPORT_BYTES + 1))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_report_or_malformed(data: bytes) -> None:
    try:
        parse_report(data)
    except MalformedError:
        return


def test_a_wall_without_a_hole_is_let_be() -> None:
    check_probe(SEEN, host=HOST, known={"py"})


@pytest.mark.parametrize(
    ("hole", "sentence"),
    [
        ({"interfaces": ("lo", "eth0")}, "interface lo alone, came"),
        ({"interfaces": ()}, "interface lo alone, came"),
        ({"tcp4": "connected"}, "no route over IPv4, came connected"),
        ({"tcp4": "timeout"}, "no route over IPv4, came timeout"),
        ({"tcp4": "EHOSTUNREACH"}, "no route over IPv4, came EHOSTUNREACH"),
        ({"tcp6": "ECONNREFUSED"}, "no route over IPv6, came ECONNREFUSED"),
        ({"sockets": 1}, "no Unix socket, came 1"),
        ({"own_proc": False}, "its own /proc"),
        ({"switch": "opened"}, "no switch of the kernel, came one: opened"),
        ({"vsock": "made"}, "no sockets of AF_VSOCK, came made"),
        ({"home": ("py", "secret")}, "nothing of the home folder, came 'secret'"),
    ],
    ids=range(11),
)
def test_each_hole_is_seen(hole: dict[str, Any], sentence: str) -> None:
    with pytest.raises(IsolationError, match=sentence):
        check_probe(replace(SEEN, **hole), host=HOST, known={"py"})


@pytest.mark.parametrize("kind", KINDS)
def test_a_namespace_of_the_host_is_a_hole(kind: str) -> None:
    seen = replace(SEEN, namespaces={**SEEN.namespaces, kind: HOST[kind]})

    with pytest.raises(
        IsolationError, match=f"its own {kind} namespace, came the host"
    ):
        check_probe(seen, host=HOST, known={"py"})
