import os
import sys
from pathlib import Path

import pytest

from reproducible.errors import MissingError
from reproducible.sandbox.host import Host, root_interpreter
from reproducible.sandbox.probe import KINDS


def _script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_the_running_interpreter_is_found_behind_its_environment(
    tmp_path: Path,
) -> None:
    found = Host(search="", home=tmp_path).interpreters()
    version = (sys.version_info.major, sys.version_info.minor)
    own = next(x for x in found if x.version == version)

    assert own.path == str(Path(sys.executable).resolve())
    assert own.prefix == sys.base_prefix


def test_interpreters_come_newest_first_and_each_version_once(tmp_path: Path) -> None:
    for number in (90, 91):
        said = f"printf 'cpython\\n/opt/py\\n3.{number}.2\\n'"
        _script(tmp_path / f"bin/python3.{number}", said)
        _script(
            tmp_path / f"home/.pyenv/versions/3.{number}/bin/python3.{number}", said
        )
    host = Host(search=str(tmp_path / "bin"), home=tmp_path / "home")
    first, second = host.interpreters()[:2]

    assert (first.version, second.version) == ((3, 91), (3, 90))
    assert first.path == str(tmp_path / "bin/python3.91")
    assert (first.prefix, first.full) == ("/opt/py", "3.91.2")


@pytest.mark.parametrize(
    "says",
    ["printf 'pypy\\n/opt\\n3.99.1\\n'", "printf 'cpython\\n/opt\\n3.6.15\\n'",
     "exit 1", "echo 3.99", "printf 'cpython\\n/opt\\n3.99.0rc1\\n'",
     "printf 'cpython\\n/opt\\n3.98.1\\n'"],
    ids=["pypy", "old", "fails", "other", "candidate", "misnamed"],
)  # fmt: skip
def test_what_is_no_cpython_that_will_do_is_passed_over(
    tmp_path: Path, says: str
) -> None:
    _script(tmp_path / "bin/python3.99", says)
    found = Host(search=str(tmp_path / "bin"), home=tmp_path).interpreters()

    assert all(x.version < (3, 90) for x in found)


def test_older_ones_are_not_asked_where_a_newer_one_will_do(tmp_path: Path) -> None:
    _script(tmp_path / "bin/python3.99", "printf 'cpython\\n/opt\\n3.99.1\\n'")
    _script(tmp_path / "bin/python3.98", f"touch {tmp_path}/asked; exit 1")
    first = next(Host(search=str(tmp_path / "bin"), home=tmp_path).newest_first())

    assert first.version == (3, 99)
    assert not (tmp_path / "asked").exists()


def test_shims_are_not_asked(tmp_path: Path) -> None:
    _script(tmp_path / "shims/python3.99", f"touch {tmp_path}/asked; exit 1")
    Host(search=str(tmp_path / "shims"), home=tmp_path).interpreters()

    assert not (tmp_path / "asked").exists()


def test_what_cannot_be_listed_on_the_path_is_passed_over(tmp_path: Path) -> None:
    search = os.pathsep.join([str(tmp_path / ("x" * 300)), str(tmp_path / "bin")])
    _script(tmp_path / "bin/python3.91", "printf 'cpython\\n/opt/py\\n3.91.2\\n'")

    found = Host(search=search, home=tmp_path).interpreters()

    assert found[0].version == (3, 91)


def test_programs_are_looked_for_on_the_path_alone(tmp_path: Path) -> None:
    _script(tmp_path / "bwrap", "echo bubblewrap 0.99")
    host = Host(search=str(tmp_path), home=tmp_path)
    programs = host.programs()

    assert (programs.bwrap, programs.unshare) == (str(tmp_path / "bwrap"), None)
    assert host.tool(1) == "bubblewrap 0.99"


def test_a_tool_that_is_not_there_cannot_be_named(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="expected a program that makes walls"):
        Host(search=str(tmp_path), home=tmp_path).tool(0)


def test_namespaces_are_those_of_this_process(tmp_path: Path) -> None:
    spaces = Host(search="", home=tmp_path).namespaces()

    assert set(spaces) == set(KINDS)
    assert spaces["net"] == str(Path("/proc/self/ns/net").readlink())


def test_here_is_the_path_and_home_of_who_runs_this() -> None:
    host = Host.here()

    assert (host.search, host.home) == (os.environ["PATH"], Path.home())


def test_a_root_says_its_interpreter_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/python3").symlink_to("python3.13")
    interpreter = root_interpreter(tmp_path)

    assert (interpreter.path, interpreter.version) == ("/usr/bin/python3.13", (3, 13))


@pytest.mark.parametrize("link", ["", "/usr/bin/python3.13", "../sh"], ids=range(3))
def test_a_root_without_one_is_refused(tmp_path: Path, link: str) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    if link:
        (tmp_path / "usr/bin/python3").symlink_to(link)

    with pytest.raises(MissingError, match="expected usr/bin/python3 as a link"):
        root_interpreter(tmp_path)
