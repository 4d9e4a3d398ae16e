"""A verdict as a small SVG picture."""

from typing import Final

from updater.transparency.claims.rebuild import Verdict

# White on each has a contrast of 4.5 and more (WCAG 2.2, 1.4.3).
COLOURS: Final[dict[Verdict, str]] = {
    "identical": "#1a7f37",
    "identical-with-exceptions": "#8a6100",
    "different": "#c1121f",
    "build-failed": "#57606a",
    "unsupported": "#57606a",
}

_LABEL: Final = "rebuild"
_CHARACTER = 6.1  # of a common sans-serif at 11 px; `textLength` does the rest
_MARGIN = 8

_PICTURE: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20"'
    ' viewBox="0 0 {width} 20" role="img" aria-labelledby="t">'
    '<title id="t">{label}: {verdict}</title>'
    '<path fill="#24292f" d="M3 0h{left}v20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z"/>'
    '<path fill="{colour}"'
    ' d="M{start} 0h{right}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{right}z"/>'
    '<g fill="#fff" font-family="DejaVu Sans,Verdana,sans-serif" font-size="11">'
    '<text x="{margin}" y="14" textLength="{label_width}">{label}</text>'
    '<text x="{text_start}" y="14" textLength="{verdict_width}">{verdict}</text>'
    "</g></svg>\n"
)


def format_badge(verdict: Verdict) -> bytes:
    """Draw `rebuild | VERDICT`; the title says it aloud, colours only repeat it."""
    label_width, verdict_width = (
        round(len(word) * _CHARACTER) for word in (_LABEL, verdict)
    )
    start = label_width + 2 * _MARGIN
    width = start + verdict_width + 2 * _MARGIN
    picture = _PICTURE.format(
        width=width,
        label=_LABEL,
        verdict=verdict,
        colour=COLOURS[verdict],
        left=start - 3,
        start=start,
        right=width - start - 3,
        margin=_MARGIN,
        label_width=label_width,
        text_start=start + _MARGIN,
        verdict_width=verdict_width,
    )
    return picture.encode()
