"""Where the installer is that resolves requirements. Carrier."""

from reproducible.errors import MissingError


def find_installer() -> str:
    """Find uv; to be called before there are threads.

    Raises:
        MissingError: it is not there.
    """
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - of another extra than the rest

        # It asks the standard library for settings that two threads cannot read first.
        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        raise MissingError("uv is not there: pip install 'ringfence[pypi]'") from None
