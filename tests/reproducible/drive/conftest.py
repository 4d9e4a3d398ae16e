from pathlib import Path

import pytest

from reproducible.errors import NoWallError
from tests.reproducible.drive.towns import LEVEL, Quarry, Town
from tests.reproducible.sandbox.yard import Yard
from tests.updater.world import ready


@pytest.fixture(scope="session")
def quarry(tmp_path_factory: pytest.TempPathFactory) -> Quarry:
    """Build in a sandbox, if this machine can make one."""
    folder = tmp_path_factory.mktemp("quarry")
    try:
        Yard(tmp_path_factory.mktemp("wall"), LEVEL).sandbox().probe()
    except NoWallError as error:
        pytest.skip(str(error))
    return Quarry(folder)


@pytest.fixture
def town(quarry: Quarry, tmp_path: Path) -> Town:
    return Town(ready(), quarry, tmp_path)
