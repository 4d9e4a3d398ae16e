import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.errors import BuildFailedError
from reproducible.sandbox.jobs import (
    Action,
    Job,
    check_ended,
    check_name,
    format_job,
    parse_requires,
)
from updater.errors import MalformedError

JOB = Job(
    task="wheel", source="/s", tools="/t", out="/o", tmp="/tmp", home="/h", report=3,
    umask=0o022, memory_mib=1, output_mib=2, backend="b", backend_path=(".",),
)  # fmt: skip


def test_a_job_is_one_object_with_every_field() -> None:
    assert json.loads(format_job(JOB)) == {
        "task": "wheel", "source": "/s", "tools": "/t", "out": "/o", "tmp": "/tmp",
        "home": "/h", "report": 3, "umask": 18, "memory_mib": 1, "output_mib": 2,
        "given": None, "clock": None, "preload": None, "backend": "b",
        "backend_path": ["."], "subdir": ".", "argv": [],
    }  # fmt: skip


def test_a_job_that_ended_with_0_ended_well() -> None:
    check_ended(0, b"")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1, "exit"), (71, "memory"), (72, "too-large"), (73, "no-output"),
        (74, "bad-output"), (137, "exit"), (-9, "exit"),
    ],
)  # fmt: skip
def test_an_exit_code_says_how_a_build_failed(code: int, reason: str) -> None:
    with pytest.raises(BuildFailedError) as caught:
        check_ended(code, b"said")

    assert (caught.value.reason, caught.value.log) == (reason, b"said")


def test_a_signal_is_named_as_one() -> None:
    with pytest.raises(BuildFailedError, match="the build was ended by signal 9"):
        check_ended(-9, b"")


@pytest.mark.parametrize(
    ("action", "name"), [("wheel", "a-1-py3-none-any.whl"), ("sdist", "a-1!2+x.tar.gz")]
)
def test_a_file_name_is_taken(action: Action, name: str) -> None:
    assert check_name(name.encode(), action, b"") == name


def test_no_name_is_no_output() -> None:
    with pytest.raises(BuildFailedError, match="expected a file, came none") as caught:
        check_name(b"", "wheel", b"")

    assert caught.value.reason == "no-output"


@pytest.mark.parametrize(
    "name",
    [b"../a.whl", b"a/b.whl", b".a.whl", b"a.whl\n", b"a\0.whl", b"a.tar.gz",
     b"\xff.whl",
     b"-a.whl", b"a" * 300 + b".whl", b"..whl/.."],
    ids=range(10),
)  # fmt: skip
def test_a_name_that_could_lead_elsewhere_is_refused(name: bytes) -> None:
    with pytest.raises(BuildFailedError) as caught:
        check_name(name, "wheel", b"")

    assert caught.value.reason == "bad-output"


def test_what_a_backend_needs_is_read() -> None:
    assert parse_requires(b'["wheel>=0.40", "x; python_version<\'3\'"]') == (
        "wheel>=0.40",
        "x; python_version<'3'",
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[1]", b'["\\u001b"]', b'[""]', b"[" + b'"a",' * 64 + b'"a"]'],
    ids=range(6),
)  # fmt: skip
def test_anything_else_that_a_backend_says_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_requires(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_needs_or_malformed(data: bytes) -> None:
    try:
        parse_requires(data)
    except MalformedError:
        return
