"""The home folder, and who may name it."""

from pathlib import Path

import pytest

from cli import paths


@pytest.mark.parametrize(
    ("given", "environment", "expected"),
    [
        (Path("a"), {"RINGFENCE_HOME": "b", "XDG_DATA_HOME": "c"}, "a"),
        (None, {"RINGFENCE_HOME": "b", "XDG_DATA_HOME": "c"}, "b"),
        (None, {"XDG_DATA_HOME": "c"}, "c/ringfence"),
        (None, {"HOME": "/d"}, "/d/.local/share/ringfence"),
    ],
)
def test_the_most_explicit_home_wins(
    monkeypatch: pytest.MonkeyPatch,
    given: Path | None,
    environment: dict[str, str],
    expected: str,
) -> None:
    monkeypatch.delenv("RINGFENCE_HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert paths.home(given) == Path(expected)
