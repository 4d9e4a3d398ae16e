import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.gates.cases import POLICY
from updater.driver.settings import MAX_BYTES, Settings, parse_settings
from updater.errors import MalformedError

WHOLE = """\
channel = "beta"
apply = "auto"
mirrors = ["https://mirror.example/"]
proxy = "socks5h://127.0.0.1:9050"
deltas = false

[tighten]
cooldown_s = 1209600
rebuild_threshold = 3
peers = 1
witness_policy = "friends.policy"
wave = "last"
"""


def test_an_empty_file_changes_nothing() -> None:
    assert parse_settings(b"") == Settings()


def test_every_setting_is_read() -> None:
    found = parse_settings(WHOLE.encode())

    assert found.proxy is not None
    assert (found.proxy.kind, found.proxy.port) == ("socks5h", 9050)
    assert found == Settings(
        channel="beta",
        apply="auto",
        mirrors=("https://mirror.example/",),
        proxy=found.proxy,
        deltas=False,
        cooldown_s=1_209_600,
        rebuild_threshold=3,
        peers=1,
        witness_policy="friends.policy",
        waits_for_last_wave=True,
    )


def test_what_tightens_is_what_the_gates_look_at() -> None:
    tightening = parse_settings(WHOLE.encode()).tightening(POLICY)

    assert tightening.cooldown_s == 1_209_600
    assert tightening.rebuild_threshold == 3
    assert tightening.peers == 1
    assert tightening.policy == POLICY
    assert tightening.waits_for_last_wave


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("chanel = 'beta'", "'chanel' has no place there"),
        ("[tighten]\ncooldown = 3", "'cooldown' has no place there"),
        ("[tighten]\ncooldown_s = -1", "cooldown_s"),
        ("[tighten]\nrebuild_threshold = 0", "rebuild_threshold"),
        ("[tighten]\nwave = 'first'", "wave"),
        ("tighten = 3", "expected an object"),
        ("apply = 'always'", "apply"),
        ("channel = 'Beta'", "channel"),
        ("mirrors = ['ftp://mirror.example/']", "mirrors"),
        ("mirrors = ['https://mirror.example']", "mirrors"),
        ("proxy = 'mirror.example'", "proxy: expected"),
        ("deltas = 'no'", "deltas"),
        ("deltas = 2026-11-22", "deltas"),
        ("=", "update.toml"),
        ("\N{SNOWMAN} = 1", "update.toml"),
    ],
)
def test_what_is_not_known_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(MalformedError, match=sentence):
        parse_settings(text.encode())


def test_a_file_that_is_too_long_is_not_read() -> None:
    with pytest.raises(MalformedError, match="at most 65536 bytes"):
        parse_settings(b"#" * (MAX_BYTES + 1))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_anything_is_settings_or_malformed(data: bytes) -> None:
    try:
        parse_settings(data)
    except MalformedError:
        return
