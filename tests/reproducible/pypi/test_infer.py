from dataclasses import replace

import pytest

from reproducible.compare.verdict import Comparison, FileId
from reproducible.errors import UnsupportedError
from reproducible.inputs.recipe import Source
from reproducible.inputs.recipefile import format_recipe, parse_recipe
from reproducible.pypi.choice import Release
from reproducible.pypi.facts import Generator, SdistFacts, WheelFacts
from reproducible.pypi.infer import (
    UPLOAD_S,
    Candidate,
    Known,
    allowed_pythons,
    candidates,
    is_worth_trying,
    tag_names,
)
from updater.transparency.claims.rebuild import Exemption, Verdict

UPLOADED = 1_750_000_000
FLIT = SdistFacts(backend="flit_core.buildapi", requires=("flit_core>=3", "tomli"))
SETUPTOOLS = SdistFacts(backend="setuptools.build_meta", requires=("setuptools>=61",))
KNOWN = Known(
    wheel=WheelFacts(generator=Generator("flit", "3.9.0"), times={"a": UPLOADED}),
    sdist=FLIT,
    source=Source(kind="sdist", sha256="ab" * 32),
    uploaded=UPLOADED,
    requires_python=">=3.8",
    pythons=[(3, 13), (3, 12), (3, 11), (3, 8)],
)


def found(known: Known) -> list[Candidate]:
    return list(candidates(known))


def requires(known: Known) -> list[tuple[str, ...]]:
    return [each.recipe.toolchain.requires for each in found(known)]


def by(tool: str, version: str, sdist: SdistFacts) -> Known:
    wheel = WheelFacts(generator=Generator(tool, version))
    return replace(KNOWN, wheel=wheel, sdist=sdist)


def test_the_tool_that_wrote_the_wheel_is_pinned_first() -> None:
    first = found(KNOWN)[0].recipe

    assert first.toolchain.requires == ("tomli", "flit-core==3.9.0")
    assert first.toolchain.exclude_newer == UPLOADED + UPLOAD_S


def test_a_pin_that_cannot_be_met_can_be_dropped() -> None:
    assert FLIT.requires in requires(KNOWN)


def test_no_recipe_comes_twice() -> None:
    same = replace(by("bdist_wheel", "67.7.2", SETUPTOOLS), pythons=[(3, 11)])
    pinned = SdistFacts(
        backend="setuptools.build_meta", requires=("setuptools==67.7.2",)
    )
    known = replace(same, wheel=WheelFacts(), sdist=pinned)
    recipes = [each.recipe for each in found(known)]

    assert all(recipes.count(each) == 1 for each in recipes)


def test_every_recipe_can_be_saved() -> None:
    for each in found(by("bdist_wheel", "0.37.1", SETUPTOOLS)):
        assert parse_recipe(format_recipe(each.recipe)) == each.recipe


def test_the_newest_python_of_its_time_builds() -> None:
    assert found(KNOWN)[0].recipe.env.python == "==3.13.*"
    assert allowed_pythons(replace(KNOWN, uploaded=1_700_000_000))[0] == (3, 12)


def test_older_pythons_are_tried_too() -> None:
    tried = [each.recipe.env.python for each in found(KNOWN)]

    assert {"==3.12.*", "==3.11.*"} <= set(tried)


def test_a_python_that_the_package_excludes_does_not_build() -> None:
    assert allowed_pythons(replace(KNOWN, requires_python="<3.12")) == ((3, 11), (3, 8))


def test_a_specifier_of_old_excludes_nothing() -> None:
    assert len(allowed_pythons(replace(KNOWN, requires_python=">=3.6.*"))) == 4


@pytest.mark.parametrize("pythons", [[], [(3, 7)]], ids=["none", "old"])
def test_without_a_python_it_is_unsupported(pythons: list[tuple[int, int]]) -> None:
    with pytest.raises(UnsupportedError, match=r"expected a Python >=3\.8"):
        allowed_pythons(replace(KNOWN, pythons=pythons))


def test_a_compiler_is_unsupported() -> None:
    sdist = SdistFacts(backend="maturin", requires=("maturin",))

    with pytest.raises(UnsupportedError, match="maturin: builds native code"):
        found(replace(KNOWN, sdist=sdist))


def test_a_backend_of_its_own_is_not_pinned() -> None:
    sdist = replace(FLIT, backend_path=(".",))

    assert requires(replace(KNOWN, sdist=sdist))[0] == FLIT.requires


def test_one_time_becomes_the_epoch() -> None:
    env = found(KNOWN)[0].recipe.env

    assert (env.epoch, env.epoch_from) == (UPLOADED, "artifact")


def test_several_times_leave_the_epoch_unset() -> None:
    times = {"a": 1, "b": 2}
    env = found(replace(KNOWN, wheel=WheelFacts(times=times)))[0].recipe.env

    assert env.epoch is None


def test_a_commit_can_be_the_epoch() -> None:
    known = replace(KNOWN, wheel=WheelFacts(), otherwise="commit")
    env = found(known)[0].recipe.env

    assert (env.epoch, env.epoch_from) == ("commit", "commit")


@pytest.mark.parametrize(
    ("offset", "zone"), [(7200, "UTC-2"), (-19_800, "UTC+5:30"), (0, "UTC")]
)
def test_local_times_set_the_time_zone(offset: int, zone: str) -> None:
    wheel = WheelFacts(times={"a": 100_000 + offset, "b": 200_000 + offset})
    sdist = replace(FLIT, times={"a": 100_000, "b": 200_000})

    assert found(replace(KNOWN, wheel=wheel, sdist=sdist))[0].recipe.env.tz == zone


@pytest.mark.parametrize("zone", [0, 7200])
def test_the_time_of_the_record_sets_the_clock(zone: int) -> None:
    times = {"a": 100_000 + zone, "b-1.dist-info/RECORD": 300_000 + zone}
    sdist = replace(FLIT, times={"a": 100_000})
    known = replace(KNOWN, wheel=WheelFacts(times=times), sdist=sdist)

    assert found(known)[0].recipe.env.clock == 300_000


def test_what_has_one_time_needs_no_clock() -> None:
    wheel = WheelFacts(times={"a": UPLOADED, "b-1.dist-info/RECORD": UPLOADED})

    assert found(replace(KNOWN, wheel=wheel))[0].recipe.env.clock is None


def test_what_a_group_may_write_sets_umask_and_modes() -> None:
    wheel = replace(KNOWN.wheel, group_made=True, group_source=True)
    tried = [each.recipe.env for each in found(replace(KNOWN, wheel=wheel))]

    assert (tried[0].umask, tried[0].source_modes) == (0o002, "archive")
    assert any(each.umask == 0o022 for each in tried)
    assert any(each.source_modes == "normal" for each in tried)


def test_a_wheel_of_the_package_wheel_is_of_setuptools_before_its_own() -> None:
    tried = requires(by("bdist_wheel", "0.37.1", SETUPTOOLS))

    assert tried[0] == ("wheel==0.37.1", "setuptools<70.1")
    assert tried[1] == ("wheel==0.37.1", "setuptools")
    assert ("setuptools==67.7.2", "wheel==0.37.1") in tried


def test_requirements_of_an_old_form_are_of_an_old_wheel() -> None:
    known = by("setuptools", "75.1.0", SETUPTOOLS)
    aged = replace(known, wheel=replace(known.wheel, old_requires=True))

    assert requires(aged)[:2] == [
        ("setuptools==75.1.0", "wheel==0.38.4"),
        ("setuptools==75.1.0",),
    ]


def test_an_old_setuptools_gets_an_old_python() -> None:
    old = by("setuptools", "75.6.0", SETUPTOOLS)
    pythons = {
        each.why: each.recipe.env.python
        for each in found(old)
        if each.why.startswith("setuptools ")
    }

    assert pythons["setuptools 67.7.2"] == "==3.11.*"
    assert pythons["setuptools 57.5.0"] == "==3.8.*"


def test_without_an_old_python_an_old_setuptools_is_left_out() -> None:
    old = replace(by("setuptools", "75.6.0", SETUPTOOLS), pythons=[(3, 13)])

    assert not any("57.5.0" in each.why for each in found(old))


def test_what_looks_old_is_tried_with_old_tools_first() -> None:
    known = by("bdist_wheel", "0.37.1", SETUPTOOLS)
    aged = replace(known, wheel=replace(known.wheel, old_platform=True))
    whys = [each.why for each in found(aged)]

    assert whys.index("setuptools 57.5.0") < whys.index("setuptools 67.7.2")


def test_uv_was_its_own_backend_once() -> None:
    known = by("uv", "0.5.1", SdistFacts(backend="uv_build", requires=("uv_build",)))
    tried = [each.recipe.toolchain for each in found(known)]

    assert tried[0].requires == ("uv-build==0.5.1",)
    assert (tried[1].requires, tried[1].backend) == (("uv==0.5.1",), "uv")


def test_poetry_is_mostly_its_core() -> None:
    sdist = SdistFacts(backend="poetry.masonry.api", requires=("poetry>=0.12",))
    tried = [each.recipe.toolchain for each in found(by("poetry", "1.0.5", sdist))]

    assert tried[0].requires == ("poetry-core==1.0.5",)
    assert tried[0].backend == "poetry.core.masonry.api"


def test_a_wheel_may_have_come_through_a_source_archive() -> None:
    source = Source(kind="git", url="https://x.example/t", commit="a" * 40)
    second = found(replace(KNOWN, source=source))[1]

    assert second.recipe.source == replace(source, via_sdist=True)


def test_a_source_archive_has_no_way_round() -> None:
    source = Source(kind="git", url="https://x.example/t", commit="a" * 40)
    tried = list(candidates(replace(KNOWN, source=source), "sdist"))

    assert not any(each.recipe.source.via_sdist for each in tried)
    assert {each.recipe.outputs[0].kind for each in tried} == {"sdist"}


def compared(verdict: Verdict, *fields: str) -> Comparison:
    return Comparison(
        verdict=verdict,
        method="sha256",
        published=FileId("a", 1, sha256=""),
        rebuilt=None,
        exceptions=tuple(
            Exemption(count=1, entry="a", field=each, reason="unlisted")
            for each in fields
        ),
    )


def worth(best: Comparison | None) -> set[str]:
    return {each.knob for each in found(KNOWN) if is_worth_trying(each, best)}


def test_everything_is_worth_a_first_try() -> None:
    assert worth(None) == {"tools", "modes", "times"}


def test_nothing_is_better_than_identical() -> None:
    assert worth(compared("identical")) == set()


@pytest.mark.parametrize("verdict", ["different", "build-failed", "unsupported"])
def test_other_contents_need_other_tools(verdict: Verdict) -> None:
    assert worth(compared(verdict)) == {"tools"}


@pytest.mark.parametrize(
    ("field", "knobs"),
    [
        ("zip.date_time", {"times"}),
        ("zip.external_attr", {"modes"}),
        ("zip.create", set()),
    ],
)
def test_a_header_needs_what_turns_it(field: str, knobs: set[str]) -> None:
    assert worth(compared("identical-with-exceptions", field)) == knobs


def test_tags_have_the_usual_names() -> None:
    assert tag_names(Release("click", "8.1.7"))[:3] == (
        "v8.1.7",
        "8.1.7",
        "click-8.1.7",
    )
