"""Results become statements that readers accept, whatever the archives say."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.compare.verdict import Comparison, Difference, FileId
from reproducible.errors import BuildFailedError, SourceError, UnsupportedError
from reproducible.record.attest import (
    BUILD,
    LIFE_S,
    PROVENANCE,
    Facts,
    claim_of,
    format_jsonl,
    sign_claim,
    sign_provenance,
    unbuilt,
)
from tests.updater.transparency.claimants import ARTIFACT, FINISHED, REBUILD, key
from tests.updater.transparency.claims.corpus import validator
from updater.errors import MalformedError
from updater.statement import (
    MAX_ENVELOPE_BYTES,
    Envelope,
    Subject,
    key_id,
    parse_envelope,
    parse_statement,
    verify,
)
from updater.transparency.claims.parts import Resource
from updater.transparency.claims.rebuild import (
    TYPE,
    Environment,
    Exemption,
    RebuildClaim,
)
from updater.transparency.entry import parse_entry

KEY = key(51)
PUBLIC = KEY.public_key().public_bytes_raw()
PUBLISHED = FileId(ARTIFACT.name, ARTIFACT.size, sha256=ARTIFACT.sha256)
REBUILT = FileId(ARTIFACT.name, 50_000_001, sha256="99" * 32)
FACTS = Facts(
    source=REBUILD.source,
    recipe=REBUILD.recipe,
    buildinfo=REBUILD.buildinfo,
    environment=Environment("x86_64", 1),
    rebuilder=REBUILD.rebuilder,
    started_on=FINISHED - 600,
    finished_on=FINISHED,
)
IDENTICAL = Comparison(
    verdict="identical",
    method="sha256",
    published=PUBLISHED,
    rebuilt=PUBLISHED,
    stage="git-to-bundle",
)
EXCEPTED = replace(
    IDENTICAL,
    verdict="identical-with-exceptions",
    method="patch-proof/1",
    rebuilt=REBUILT,
    exceptions=(
        Exemption(field="zip.create", count=3, entry="a\x1b[2J", reason="x" * 600),
    ),
)


def _different(*differences: Difference) -> Comparison:
    return replace(
        IDENTICAL, verdict="different", rebuilt=REBUILT, differences=differences
    )


def _many(count: int, entry: str = "a") -> Comparison:
    return _different(
        *(Difference("code", "both", f"{n}{entry}") for n in range(count))
    )


def _lines(comparison: Comparison, facts: Facts = FACTS) -> tuple[str, ...]:
    """Give the differences as the statement has them."""
    return claim_of(comparison, facts).comparison.differences or ()


def _read(leaf: bytes) -> RebuildClaim:
    claim = parse_entry(leaf).claim
    assert isinstance(claim, RebuildClaim)
    return claim


@pytest.mark.parametrize(
    "comparison",
    [
        IDENTICAL,
        EXCEPTED,
        _many(1),
        unbuilt(PUBLISHED, SourceError("tree"), "git-to-wheel"),
        unbuilt(PUBLISHED, UnsupportedError("no-sdist", "x"), "sdist-to-wheel"),
        unbuilt(PUBLISHED, BuildFailedError("timeout", "x"), "git-to-sdist"),
    ],
    ids=["identical", "exceptions", "different", "source", "unsupported", "failed"],
)
def test_every_verdict_becomes_an_entry_of_the_log(comparison: Comparison) -> None:
    leaf = sign_claim(claim_of(comparison, FACTS), KEY)

    assert _read(leaf).verdict == comparison.verdict
    assert validator(TYPE).is_valid(json.loads(parse_envelope(leaf).payload))


def test_an_entry_is_signed_by_its_key_alone() -> None:
    envelope = parse_envelope(sign_claim(claim_of(IDENTICAL, FACTS), KEY))

    assert verify(envelope, [PUBLIC]) == {PUBLIC}
    assert [each.keyid for each in envelope.signatures] == [key_id(PUBLIC)]


def test_a_statement_says_what_it_is_about_and_from_what() -> None:
    claim = claim_of(_many(1), replace(FACTS, report=Resource(sha256="77" * 32)))

    assert claim.subject == Subject(ARTIFACT.name, ARTIFACT.sha256)
    assert claim.rebuilt == Resource(name=REBUILT.name, sha256=REBUILT.sha256)
    assert (claim.source, claim.recipe, claim.buildinfo) == (
        FACTS.source,
        FACTS.recipe,
        FACTS.buildinfo,
    )
    assert claim.comparison.report == Resource(sha256="77" * 32)


@pytest.mark.parametrize(("life_s", "expires_s"), [(LIFE_S, LIFE_S), (60, 60)])
def test_a_statement_expires(life_s: int, expires_s: int) -> None:
    claim = claim_of(IDENTICAL, replace(FACTS, life_s=life_s))

    assert claim.expires_on == FINISHED + expires_s


@pytest.mark.parametrize(
    "facts",
    [
        replace(FACTS, life_s=366 * 86_400),
        replace(FACTS, started_on=FINISHED + 1),
        replace(FACTS, environment=Environment("x86_64", 2)),
        replace(FACTS, recipe=Resource(name="recipe.toml")),
    ],
    ids=["life", "times", "root", "recipe"],
)
def test_facts_that_no_reader_accepts_are_not_signed(facts: Facts) -> None:
    with pytest.raises(MalformedError):
        claim_of(IDENTICAL, facts)


def test_a_verdict_that_does_not_fit_its_comparison_is_not_signed() -> None:
    with pytest.raises(MalformedError, match="does not fit 'identical'"):
        claim_of(replace(IDENTICAL, rebuilt=REBUILT), FACTS)


def test_a_difference_is_written_in_words() -> None:
    comparison = _different(
        Difference("code", "both", "pkg/a.py", "3 lines"),
        Difference("file-set", "published", "pkg/b.py"),
    )

    assert _lines(comparison) == (
        "code both pkg/a.py: 3 lines",
        "file-set published pkg/b.py",
    )


def test_another_source_is_a_difference_with_no_file() -> None:
    comparison = unbuilt(
        PUBLISHED, SourceError("tree is a, claimed b"), "git-to-bundle"
    )

    assert comparison.rebuilt is None
    assert _lines(comparison) == (
        f"source both {PUBLISHED.name}: tree is a, claimed b",
    )


def test_what_could_not_be_built_has_a_reason() -> None:
    error = UnsupportedError("platform-wheel", "made for one platform")
    comparison = unbuilt(PUBLISHED, error, "sdist-to-wheel")

    assert comparison.reason == "platform-wheel"
    assert _lines(comparison) == ("reason both platform-wheel: made for one platform",)


def test_what_is_not_seen_is_written_out() -> None:
    comparison = _different(Difference("code", "both", "a\u202e.py", "\x1b[2J"))

    assert _lines(comparison) == ("code both a\\u202e.py: \\x1b[2J",)


def test_an_exception_is_cut_to_what_a_statement_holds() -> None:
    (said,) = claim_of(EXCEPTED, FACTS).comparison.exceptions or ()

    assert (said.entry, said.reason) == ("a\\x1b[2J", "x" * 499 + "\u2026")


@pytest.mark.parametrize(
    ("detail", "end"),
    [("d" * 485, "dd"), ("d" * 486, "d\u2026"), ("\0" * 999, "\u2026")],
)
def test_a_text_has_five_hundred_characters_at_most(detail: str, end: str) -> None:
    (line,) = _lines(_different(Difference("code", "both", "abc", detail)))

    assert len(line) == 500
    assert line.endswith(end)


@pytest.mark.parametrize(
    ("count", "last"),
    [(50, "code both 49a"), (51, "more both 2"), (100_000, "more both 99951")],
)
def test_fifty_lines_are_said_and_the_rest_is_counted(count: int, last: str) -> None:
    lines = _lines(_many(count))

    assert (len(lines), lines[-1]) == (50, last)


def test_lines_are_left_out_until_the_entry_fits() -> None:
    comparison = _many(60, "\U0001f600" * 490)
    claim = claim_of(comparison, FACTS)
    lines = claim.comparison.differences or ()

    assert len(sign_claim(claim, KEY)) <= MAX_ENVELOPE_BYTES
    assert lines[-1] == f"more both {60 - len(lines) + 1}"
    assert 20 < len(lines) < 50


def test_a_statement_that_never_fits_is_not_signed() -> None:
    tool = Resource(name="t" * 200, uri="x:" + "u" * 500, sha256="11" * 32)

    with pytest.raises(MalformedError, match="at most 65535 bytes besides differences"):
        claim_of(IDENTICAL, replace(FACTS, toolchain=(tool,) * 64))


@pytest.mark.parametrize(("count", "kept"), [(0, None), (64, 64), (65, None)])
def test_a_toolchain_is_named_if_it_is_not_too_large(
    count: int, kept: int | None
) -> None:
    tools = tuple(Resource(name=f"t{n}.whl", sha256="11" * 32) for n in range(count))
    claim = claim_of(IDENTICAL, replace(FACTS, toolchain=tools))

    assert claim.toolchain == (tools if kept else None)


@given(
    st.lists(
        st.builds(
            Difference,
            st.sampled_from(["code", "header"]),
            st.sampled_from(["both", "published"]),
            st.text(max_size=600),
            st.text(max_size=600),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_any_differences_become_an_entry(found: list[Difference]) -> None:
    claim = claim_of(_different(*found), FACTS)

    assert _read(sign_claim(claim, KEY)) == claim


def _provenance(facts: Facts = FACTS) -> Envelope:
    return parse_envelope(sign_provenance([REBUILT], facts, KEY))


def test_a_provenance_is_about_the_rebuilt_file() -> None:
    envelope = _provenance()
    statement = parse_statement(envelope.payload)

    assert verify(envelope, [PUBLIC])
    assert statement.predicate_type == PROVENANCE
    assert statement.subject == (Subject(REBUILT.name, REBUILT.sha256),)


def test_a_provenance_names_all_that_was_used() -> None:
    named = {
        name: {"digest": {"sha256": name * 32}} for name in ("a1", "a2", "a3", "a4")
    }
    lock, tool, root, log = (Resource(sha256=name * 32) for name in named)
    facts = replace(
        FACTS,
        environment=Environment("x86_64", 2, root),
        locks=(lock,),
        toolchain=(tool,),
        log=log,
    )
    said = parse_statement(_provenance(facts).payload).predicate
    definition, details = said["buildDefinition"], said["runDetails"]

    assert isinstance(definition, dict)
    assert isinstance(details, dict)
    assert definition["buildType"] == BUILD
    assert definition["resolvedDependencies"][2:] == [  # type: ignore[index]  # a list
        named["a1"],
        named["a2"],
        named["a3"],
    ]
    assert details["byproducts"][1:] == [named["a4"]]  # type: ignore[index]  # likewise


def test_a_provenance_names_one_machine_of_one_operator() -> None:
    who = FACTS.rebuilder
    said = parse_statement(_provenance().payload).predicate["runDetails"]

    assert isinstance(said, dict)
    assert said["builder"] == {
        "id": f"https://ringfence.example/bt/rebuilder/{who.operator}/{who.id}"
    }


def test_a_provenance_of_nothing_is_not_signed() -> None:
    with pytest.raises(MalformedError, match="subject: expected 1 to"):
        sign_provenance([], FACTS, KEY)


def test_envelopes_stand_one_to_a_line() -> None:
    assert format_jsonl([b"{}", b"[]"]) == b"{}\n[]\n"
