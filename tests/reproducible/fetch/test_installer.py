import os
import sys

import pytest

from reproducible.errors import MissingError
from reproducible.fetch.installer import find_installer


def test_the_installer_is_a_program() -> None:
    assert os.access(find_installer(), os.X_OK)


def test_without_its_package_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)

    with pytest.raises(MissingError, match=r"pip install 'ringfence\[pypi\]'"):
        find_installer()
