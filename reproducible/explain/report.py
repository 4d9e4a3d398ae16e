"""ringfence-compare/1: a comparison for programs. Format: docs/formats/compare-report.md."""

from reproducible.compare.verdict import Comparison
from updater.jcs import Json

SCHEMA = "ringfence-compare/1"
MAX_BYTES = 64 * 1024 * 1024


def report_json(comparison: Comparison) -> dict[str, Json]:
    """Give a report as a value."""
    raise NotImplementedError


def format_report(comparison: Comparison) -> bytes:
    """Write a report: RFC 8785, at most 64 MiB."""
    raise NotImplementedError


def parse_report(data: bytes) -> Comparison:
    """Read a report, whatever its spacing.

    Raises:
        MalformedError: it is none.
    """
    raise NotImplementedError
