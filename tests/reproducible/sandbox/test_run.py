import os
from dataclasses import replace
from pathlib import Path

import pytest

from reproducible.errors import BuildFailedError, NoWallError
from reproducible.inputs.recipe import Limits
from reproducible.sandbox.levels import Conditions
from reproducible.sandbox.run import Order
from tests.reproducible.sandbox.yard import LIMITS, WHEEL, Yard

GOOD = f"open(os.path.join(folder, {WHEEL!r}), 'w').write('built')"


def test_a_build_gives_the_file_that_the_backend_left(yard: Yard) -> None:
    built = yard.build(GOOD)

    assert built.file == yard.folder / "out" / WHEEL
    assert built.file.read_text() == "built"


def test_what_the_backend_prints_is_the_log(yard: Yard) -> None:
    built = yard.build(f"print('hello'); {GOOD}")

    assert built.log == b"hello\n"


def test_nothing_else_is_left_behind(yard: Yard) -> None:
    yard.build(GOOD)

    assert yard.left() == [WHEEL]


def test_a_build_sees_the_variables_of_its_conditions_alone(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    built = yard.build(f"print(*sorted(os.environ)); {GOOD}")

    assert set(built.log.decode().split()) <= {
        *("HOME", "LC_ALL", "PATH", "PWD", "PYTHONHASHSEED", "TMPDIR", "TZ"),
        "LC_CTYPE",
    }


def test_the_facts_are_the_conditions_asked_for(yard: Yard) -> None:
    conditions = Conditions(
        tz="JST-9", hashseed=7, hostname="other", umask=0o077, epoch=315532800
    )
    order = yard.order(GOOD)
    out = yard.folder / "out"
    facts = yard.sandbox().run("wheel", order, out=out, conditions=conditions).facts

    assert (facts.hostname, facts.umask, facts.epoch) == ("other", 0o077, "315532800")
    assert facts.zone == "JST JST +0900"


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("seed", Conditions(hashseed=1234)),
        ("umask", Conditions(umask=0o002)),
        ("zone", Conditions(tz="XXX-14")),
        ("locale", Conditions(locale="C")),
        ("home", Conditions(home="/usr")),
        ("user", Conditions(extra=(("USER", "ann"),))),
        ("kernel", Conditions(wrapper=("setarch", "--uname-2.6"))),
    ],
    ids=["seed", "umask", "zone", "locale", "home", "user", "kernel"],
)
def test_a_condition_that_varies_is_a_fact_that_varies(
    yard: Yard, field: str, changed: Conditions
) -> None:
    usual, other = yard.sandbox().probe(), yard.sandbox().probe(changed)

    assert getattr(usual.facts, field) != getattr(other.facts, field)


def test_times_modes_and_names_of_the_source_are_facts(yard: Yard) -> None:
    first = yard.build(GOOD).facts
    (yard.folder / "source/backend.py").chmod(0o600)
    os.utime(yard.folder / "source/backend.py", (1, 1))
    (yard.folder / "source/__pycache__").mkdir()
    order = Order(source=yard.folder / "source", backend="backend", backend_path=(".",))
    second = yard.sandbox().run("wheel", order, out=yard.folder / "out").facts

    assert first.mtimes != second.mtimes
    assert first.modes != second.modes
    assert first.files != second.files


def test_level_1_stands_at_a_fixed_path_and_number(yard: Yard) -> None:
    facts = yard.build(GOOD).facts
    fixed = ("/build/src", 1000) if yard.level else (str(yard.folder / "source"), 0)

    assert (facts.path, facts.uid) == fixed


def test_a_path_with_spaces_is_a_path(yard: Yard) -> None:
    order = yard.order(f"print(os.getcwd()); {GOOD}")
    conditions = Conditions(path="/build/a b/src")
    built = yard.sandbox().run(
        "wheel", order, out=yard.folder / "out", conditions=conditions
    )

    assert (built.log == b"/build/a b/src\n") is (yard.level == 1)


def test_a_toolchain_is_imported_from_after_the_project(yard: Yard) -> None:
    tools = yard.folder / "tools"
    tools.mkdir()
    (tools / "tool.py").write_text("NAME = 'tool'")
    (tools / "backend.py").write_text("raise SystemExit")
    order = replace(yard.order(f"import tool; print(tool.NAME); {GOOD}"), tools=tools)

    built = yard.sandbox().run("wheel", order, out=yard.folder / "out")

    assert built.log == b"tool\n"


def test_a_module_can_be_loaded_before_all_others(yard: Yard) -> None:
    tools = yard.folder / "tools"
    tools.mkdir()
    (tools / "early.py").write_text("import zlib; zlib.ZLIB_RUNTIME_VERSION = 'other'")
    order = replace(yard.order(GOOD), tools=tools)
    conditions = Conditions(preload="early")
    built = yard.sandbox().run(
        "wheel", order, out=yard.folder / "out", conditions=conditions
    )

    assert built.facts.zlib == "other"


_STAMPS = """
import pathlib, shutil, time
wheel = os.path.join(folder, {name!r})
open(wheel, "w").close()
copy = shutil.copy2("backend.py", os.environ["TMPDIR"])
now = {{int(time.time()), time.time_ns() // 10**9}}
dates = {{time.gmtime()[:6], time.gmtime({clock})[:6], time.localtime()[:6]}}
stats = [os.stat(wheel), os.lstat(wheel), pathlib.Path(wheel).stat()]
with open(wheel) as opened:
    stats.append(os.fstat(opened.fileno()))
times = {{(x.st_mtime, x.st_mtime_ns / 10**9, x[8]) for x in stats}}
print(now, len(dates), times, int(os.stat(copy).st_mtime))
"""


def test_a_clock_stands_for_the_backend_and_what_it_writes(yard: Yard) -> None:
    order = yard.order(_STAMPS.format(name=WHEEL, clock=1600000000), writable=True)
    os.utime(yard.folder / "source/backend.py", (5, 5))
    conditions = Conditions(clock=1600000000)
    built = yard.sandbox().run(
        "wheel", order, out=yard.folder / "out", conditions=conditions
    )

    assert built.log.decode() == (
        "{1600000000} 1 {(1600000000.0, 1600000000.0, 1600000000)} 5\n"
    )


def test_a_program_of_the_toolchain_is_found(yard: Yard) -> None:
    program = yard.folder / "tools/bin/grind"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    order = yard.order(f"import shutil; print(shutil.which('grind')); {GOOD}")
    tools = yard.folder / "tools"
    built = yard.sandbox().run(
        "wheel", replace(order, tools=tools), out=yard.folder / "out"
    )

    assert built.log.decode().endswith("/bin/grind\n")


def test_a_backend_may_write_to_a_copy_of_its_source(yard: Yard) -> None:
    built = yard.build(f"open('left', 'w').write('x'); {GOOD}", writable=True)

    assert built.file.is_file()
    assert not (yard.folder / "source/left").exists()


def test_a_copy_has_the_times_modes_and_links_of_its_source(yard: Yard) -> None:
    source = yard.folder / "source"
    (source / "deep").mkdir()
    (source / "deep/run.sh").write_text("x")
    (source / "deep/run.sh").chmod(0o750)
    (source / "link").symlink_to("deep/run.sh")
    os.utime(source / "deep/run.sh", (1000, 1000))
    built = yard.build(
        f"""
        s = os.stat('deep/run.sh')
        print(oct(s.st_mode), s.st_mtime, os.readlink('link'))
        {GOOD}
        """,
        writable=True,
    )

    assert built.log == b"0o100750 1000.0 deep/run.sh\n"


def test_a_backend_says_what_else_it_needs(yard: Yard) -> None:
    order = yard.order(GOOD)
    with (order.source / "backend.py").open("a") as file:
        file.write("def get_requires_for_build_wheel():\n    return ['wheel>=0.40']\n")

    assert yard.sandbox().requires("wheel", order) == ("wheel>=0.40",)


def test_a_backend_that_says_nothing_needs_nothing(yard: Yard) -> None:
    assert yard.sandbox().requires("sdist", yard.order(GOOD)) == ()


def test_needs_that_are_no_list_of_texts_are_a_bad_output(yard: Yard) -> None:
    order = yard.order(GOOD)
    with (order.source / "backend.py").open("a") as file:
        file.write("def get_requires_for_build_wheel():\n    return [1]\n")

    with pytest.raises(BuildFailedError) as caught:
        yard.sandbox().requires("wheel", order)

    assert caught.value.reason == "bad-output"


def test_a_helper_program_sees_its_folder_and_is_heard(yard: Yard) -> None:
    (yard.folder / "source/seen").touch()
    ran = yard.sandbox().run_tool(("/usr/bin/ls",), folder=yard.folder / "source")

    assert (ran.code, ran.log) == (0, b"seen\n")


def test_a_failed_build_says_why_in_its_log(yard: Yard) -> None:
    with pytest.raises(BuildFailedError, match="the build ended with 1") as caught:
        yard.build("raise ValueError('no such thing')")

    assert caught.value.reason == "exit"
    assert b"ValueError: no such thing" in caught.value.log


def test_a_backend_that_asks_for_too_much_memory_is_told_apart(yard: Yard) -> None:
    limits = Limits(timeout_s=20, memory_mib=256, output_mib=8)

    with pytest.raises(BuildFailedError) as caught:
        yard.build("x = bytearray(1 << 30)", limits=limits)

    assert caught.value.reason == "memory"


def test_level_2_without_a_root_is_no_wall(tmp_path: Path) -> None:
    with pytest.raises(NoWallError, match="level 2: expected a Debian root"):
        Yard(tmp_path, 2).sandbox()


def test_a_tool_is_named_with_its_version(yard: Yard) -> None:
    assert yard.sandbox().tool().split()[-1][0].isdigit()


def test_limits_are_those_of_the_site(yard: Yard) -> None:
    body = f"import resource as r; print(r.getrlimit(r.RLIMIT_AS)); {GOOD}"
    size = LIMITS.memory_mib << 20

    assert yard.build(body).log.decode() == f"({size}, {size})\n"
