from pathlib import Path

import pytest

from reproducible.errors import NoWallError
from reproducible.sandbox.levels import Level
from tests.reproducible.sandbox.yard import Yard


@pytest.fixture(scope="session")
def lacking(tmp_path_factory: pytest.TempPathFactory) -> dict[Level, str]:
    """Say why this machine cannot make the walls of some levels, if it cannot."""
    found: dict[Level, str] = {}
    levels: tuple[Level, ...] = (0, 1)
    for level in levels:
        try:
            Yard(tmp_path_factory.mktemp("wall"), level).sandbox().probe()
        except NoWallError as error:
            found[level] = str(error)
    return found


@pytest.fixture(params=[0, 1])
def yard(
    request: pytest.FixtureRequest, lacking: dict[Level, str], tmp_path: Path
) -> Yard:
    level: Level = request.param
    if level in lacking:
        pytest.skip(lacking[level])
    return Yard(tmp_path, level)
