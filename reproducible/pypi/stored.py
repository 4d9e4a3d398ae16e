"""What came of one wheel, as it is kept for the next run.

Rules. One JSON object (RFC 8785), kept under a name made of all that could change it
(`Asked`): else what one index offered would pass for the answer of another.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from reproducible.compare.verdict import Comparison
from reproducible.explain.report import MAX_BYTES as MAX_REPORT
from reproducible.explain.report import parse_report, report_json
from reproducible.pypi.results import StageResult, knobs
from updater import jcs
from updater.shape import integer, one_of, record, text

SCHEMA: Final = "ringfence-rebuilt/1"
MAX_BYTES: Final = MAX_REPORT + 4096

_KEYS: Final = ("schema", "knobs", "report", "took_ms", "tries")
_KNOBS: Final = re.compile("[ -~]{0,2000}")
_MAX_TRIES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked of which wheel, with what there was to answer it.

    Attributes:
        wheel: its file name, which names its project, too.
        sha256: of the wheel, lower hexadecimal.
        tool: this program, by a hash over its source.
        index: its address.
        newest: later tools were not taken, in POSIX seconds; None is as the wheel says.
        pythons: whole versions.
        level: of the sandbox; None is the more closed one.
    """

    wheel: str
    sha256: str
    tool: str
    index: str
    newest: int | None
    pythons: tuple[str, ...]
    level: int | None

    @property
    def key(self) -> str:
        """Under which name the answer is kept."""
        said = jcs.write(
            {
                "index": self.index,
                "level": self.level,
                "newest": self.newest,
                "pythons": [*self.pythons],
                "sha256": self.sha256,
                "tool": self.tool,
                "wheel": self.wheel,
            }
        )
        return hashlib.sha256(said).hexdigest()


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one wheel.

    Attributes:
        knobs: how the best recipe differs from one that nobody thought about; empty
            where nothing was built.
        tries: how many recipes were tried.
        took_ms: wall clock of all of them.
    """

    comparison: Comparison
    knobs: str = ""
    tries: int = 0
    took_ms: int = 0

    @property
    def note(self) -> str:
        """What a line says of it besides verdict and wheel."""
        return self.comparison.reason or self.knobs


def row_of(result: StageResult) -> Row:
    """Keep of a stage what a table needs."""
    best = result.best
    return Row(
        result.comparison,
        knobs(best.recipe) if best else "",
        len(result.tries),
        sum(each.took_ms for each in result.tries),
    )


def parse_row(data: bytes) -> Row:
    """Read what `format_row` wrote.

    Raises:
        MalformedError: it is something else.
    """
    said = record(jcs.parse_canonical(data, most=MAX_BYTES), "result", _KEYS)
    one_of(said["schema"], "schema", SCHEMA)
    return Row(
        parse_report(jcs.write(said["report"])),
        text(said["knobs"], "knobs", _KNOBS),
        integer(said["tries"], "tries", most=_MAX_TRIES),
        integer(said["took_ms"], "took_ms"),
    )


def format_row(row: Row) -> bytes:
    """Write a row."""
    return jcs.write(
        {
            "schema": SCHEMA,
            "knobs": row.knobs,
            "report": report_json(row.comparison),
            "took_ms": row.took_ms,
            "tries": row.tries,
        }
    )
