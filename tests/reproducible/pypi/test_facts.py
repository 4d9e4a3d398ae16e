import gzip
import io
import zipfile
from collections.abc import Mapping

import pytest

from reproducible.inputs.tree import SourceFile, Tree, make_tree
from reproducible.pypi.facts import (
    LEGACY,
    Generator,
    SdistFacts,
    WheelFacts,
    read_packed,
    read_sdist,
    read_wheel,
    zone_s,
)
from tests.reproducible.archive.tarballs import made_by_tarfile
from updater.errors import MalformedError

NOON = (2025, 6, 15, 12, 0, 0)
NOON_S = 1_749_988_800
ABOUT = "tally-1.0.dist-info/"


def wheel(
    files: Mapping[str, str],
    *,
    modes: Mapping[str, int] | None = None,
    times: Mapping[str, tuple[int, int, int, int, int, int]] | None = None,
) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name, (times or {}).get(name, NOON))
            info.create_system = 3
            info.external_attr = (0o100000 | (modes or {}).get(name, 0o644)) << 16
            archive.writestr(info, text)
    return packed.getvalue()


def tree(**files: str) -> Tree:
    names = {"pyproject": "pyproject.toml", "setup": "setup.py", "cfg": "setup.cfg"}
    return make_tree(
        SourceFile(names[name], text.encode(), mtime=NOON_S)
        for name, text in files.items()
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("flit 3.9.0", Generator("flit", "3.9.0")),
        ("setuptools (75.6.0)", Generator("setuptools", "75.6.0")),
        ("bdist_wheel (0.41.1)", Generator("bdist_wheel", "0.41.1")),
        ("Hatchling 1.27.0", Generator("hatchling", "1.27.0")),
        ("by hand", None),
        ("a 1; rm -rf /", None),
    ],
)
def test_a_wheel_says_what_wrote_it(line: str, expected: Generator | None) -> None:
    text = f"Wheel-Version: 1.0\nGenerator: {line}\nGenerator: other 2\n"

    assert read_wheel(wheel({f"{ABOUT}WHEEL": text})).generator == expected


def test_what_is_no_wheel_tells_nothing() -> None:
    assert read_wheel(b"PK") == WheelFacts()


def test_one_time_of_all_entries_is_the_instant() -> None:
    assert read_wheel(wheel({"tally.py": "", "a.py": ""})).instant == NOON_S


def test_several_times_are_no_instant() -> None:
    data = wheel({"a.py": "", "b.py": ""}, times={"b.py": (2025, 6, 15, 12, 0, 2)})

    assert read_wheel(data).instant is None


def test_a_record_that_is_the_latest_tells_of_the_clock() -> None:
    earlier = {"tally.py": (2025, 6, 15, 11, 0, 0)}
    data = wheel({"tally.py": "", f"{ABOUT}RECORD": ""}, times=earlier)

    assert read_wheel(data).written == NOON_S


def test_a_record_of_an_early_date_tells_of_no_clock() -> None:
    always = {f"{ABOUT}RECORD": (2016, 1, 1, 0, 0, 0)}
    data = wheel({"tally.py": "", f"{ABOUT}RECORD": ""}, times=always)

    assert read_wheel(data).written is None


def test_without_a_time_of_a_record_there_is_no_clock() -> None:
    assert WheelFacts(times={f"{ABOUT}RECORD": None}).written is None
    assert WheelFacts(times={"tally.py": NOON_S}).written is None


def test_a_time_that_no_calendar_has_is_none() -> None:
    data = wheel({"a.py": ""}, times={"a.py": (1980, 0, 0, 0, 0, 0)})

    assert read_wheel(data).times == {"a.py": None}


def test_what_the_build_wrote_for_a_group_tells_of_the_umask() -> None:
    facts = read_wheel(wheel({f"{ABOUT}WHEEL": ""}, modes={f"{ABOUT}WHEEL": 0o664}))

    assert (facts.group_made, facts.group_source) == (True, False)


def test_what_the_source_had_for_a_group_tells_of_its_modes() -> None:
    facts = read_wheel(wheel({"tally.py": ""}, modes={"tally.py": 0o664}))

    assert (facts.group_made, facts.group_source) == (False, True)


def test_a_record_is_for_the_group_whatever_the_umask() -> None:
    facts = read_wheel(wheel({f"{ABOUT}RECORD": ""}, modes={f"{ABOUT}RECORD": 0o664}))

    assert not facts.group_made


def test_an_unknown_platform_is_of_an_old_tool() -> None:
    text = "Metadata-Version: 2.1\nPlatform: UNKNOWN\n\nPlatform: other"

    assert read_wheel(wheel({f"{ABOUT}METADATA": text})).old_platform


@pytest.mark.parametrize(("line", "old"), [("a (<2)", True), ("a<2", False)])
def test_requirements_in_parentheses_are_of_an_old_tool(
    line: str, *, old: bool
) -> None:
    found = read_wheel(wheel({f"{ABOUT}METADATA": f"Requires-Dist: {line}\n"}))

    assert found.old_requires is old


def test_headers_that_are_too_long_are_not_read() -> None:
    text = "Generator: flit 3.9.0\n" + "x" * 1024 * 1024

    assert read_wheel(wheel({f"{ABOUT}WHEEL": text})).generator is None


def test_a_source_without_a_build_system_is_of_setuptools() -> None:
    facts = read_sdist(tree(setup="setup()"))

    assert facts == SdistFacts(
        requires=("setuptools", "wheel"), times={"setup.py": NOON_S}
    )


def test_a_build_system_without_a_backend_is_of_setuptools() -> None:
    facts = read_sdist(tree(pyproject="[tool.x]\n"))

    assert (facts.backend, facts.requires) == (LEGACY, ("setuptools", "wheel"))


def test_a_build_system_is_read() -> None:
    facts = read_sdist(
        tree(
            pyproject="[build-system]\n"
            'requires = ["flit_core >=3.8"]\n'
            'build-backend = "flit_core.buildapi:api"\n'
            'backend-path = ["."]\n'
        )
    )

    assert facts.requires == ("flit_core >=3.8",)
    assert facts.family == "flit_core"
    assert facts.backend_path == (".",)
    assert facts.is_own_backend
    assert facts.asks


@pytest.mark.parametrize(
    "files", [{"setup": "setup_requires"}, {"cfg": "setup_requires"}]
)
def test_old_requirements_have_to_be_asked_for(files: dict[str, str]) -> None:
    assert read_sdist(tree(**files)).asks


@pytest.mark.parametrize(
    "text",
    [
        "[build-system",
        "build-system = 1",
        "[build-system]\nrequires = 1",
        '[build-system]\nrequires = ["a @ https://x.example/a.whl"]',
        '[build-system]\nrequires = []\nbackend-path = ["../x"]',
        '[build-system]\nrequires = []\nbuild-backend = "-x"',
    ],
    ids=["toml", "table", "list", "address", "climbing", "backend"],
)
def test_a_build_system_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        read_sdist(tree(pyproject=text))


def zone(times: Mapping[str, int | None]) -> int:
    written = {"a.py": NOON_S, "b.py": NOON_S + 61, "src/c.py": NOON_S}
    return zone_s(WheelFacts(times=times), SdistFacts(times=written))


def test_local_times_tell_the_time_zone() -> None:
    assert zone({"a.py": NOON_S + 7200, "b.py": NOON_S + 7260, "x": 1}) == 7200


def test_packages_may_lie_below_src() -> None:
    assert zone({"c.py": NOON_S - 3600}) == -3600


@pytest.mark.parametrize(
    "times",
    [
        {},
        {"a.py": None},
        {"a.py": NOON_S + 7200, "b.py": NOON_S},
        {"a.py": NOON_S + 7202},
        {"a.py": NOON_S + 20 * 3600},
    ],
    ids=["nothing", "no-time", "no-majority", "odd", "beyond"],
)
def test_without_a_plain_answer_there_is_no_zone(times: dict[str, int | None]) -> None:
    assert zone(times) == 0


def test_an_archive_tells_how_it_was_packed() -> None:
    packed = read_packed(gzip.compress(made_by_tarfile(mtime=NOON_S + 0.5), mtime=7))

    assert set(packed.times.values()) == {NOON_S}
    assert packed.written == 7
    assert packed.group_write
