"""A rebuilder's own page: what it found, for people and for programs.

Rules. One file, without script and without anything from elsewhere; whatever came from
a log or a server is escaped. Who reads it needs not believe it: what counts are the
signed statements.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Final

from reproducible.compare.shown import shown
from reproducible.drive.standing import Job, Said, Standing
from updater import jcs
from updater.jcs import Json
from updater.offer.version import order

_DIGITS: Final = 16  # of a SHA-256, enough to tell files apart by eye
_SCHEMA: Final = "ringfence-watch-status/1"

_STYLE: Final = """\
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8886; padding: .4rem .8rem .4rem 0;
  text-align: left; vertical-align: top; }
code { overflow-wrap: anywhere; }
.identical { color: light-dark(#176b2c, #7fd896); font-weight: 600; }
.different, .identical-with-exceptions, .trouble
  { color: light-dark(#a4161a, #ff9b94); font-weight: 600; }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a page is about.

    Attributes:
        project: the package URL of what is rebuilt.
        operator: who rebuilds.
        key: SHA-256 of the operator's key, lower hexadecimal.
    """

    project: str
    operator: str
    key: str


def format_status(about: Watched, standing: Standing) -> bytes:
    """Write what programs may want to know (RFC 8785); times are POSIX seconds."""
    return jcs.write(
        {
            "files": [_row_json(each) for each in _newest_first(standing)],
            "key": about.key,
            "lookedOn": standing.looked_on,
            "operator": about.operator,
            "project": about.project,
            "schema": _SCHEMA,
            "trouble": standing.trouble,
        }
    )


def format_page(about: Watched, standing: Standing) -> bytes:
    """Write the page, in UTF-8."""
    title = f"{_html(about.operator)} rebuilds {_html(about.project)}"
    rows = "\n".join(_row(each) for each in _newest_first(standing))
    trouble = (
        f'<p class="trouble">The last look failed: {_html(standing.trouble)}</p>\n'
        if standing.trouble
        else ""
    )
    looked = _moment(standing.looked_on) if standing.looked_on else "never"
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p>Each release is built from its source in a sandbox without a network, and compared
bit for bit. What is found is signed with key <code>{_html(about.key)}</code>, whatever
it is. This page proves nothing: the signed statements do.</p>
<p>Releases were last looked for: {looked}.</p>
{trouble}<div class="wide">
<table>
<thead>
<tr><th scope="col">Version</th><th scope="col">Platform</th>
<th scope="col">Verdict</th><th scope="col">Found on</th>
<th scope="col">SHA-256 of the published file</th></tr>
</thead>
<tbody>
{rows}
</tbody>
</table>
</div>
</body>
</html>
""".encode()


def _newest_first(standing: Standing) -> list[Job]:
    jobs = sorted(standing.jobs, key=lambda job: job.platform)
    return sorted(jobs, key=lambda job: order(job.version), reverse=True)


def _row(job: Job) -> str:
    found = _moment(job.said.finished_on) if job.said else ""
    return (
        f'<tr><th scope="row">{_html(job.version)}</th><td>{_html(job.platform)}</td>'
        f"<td>{_verdict(job)}</td><td>{found}</td>"
        f"<td><code>{job.sha256[:_DIGITS]}</code></td></tr>"
    )


def _verdict(job: Job) -> str:
    """Say how far a file has come; what went wrong is said with every verdict."""
    said = [_linked(job.said) if job.said else "waits for its turn"]
    if job.is_withdrawn:
        said.append("withdrawn by its publisher")
    elif job.said and not job.said.is_out:
        said.append("not handed out yet")
    if job.trouble:
        said.append(
            f'<span class="trouble">failed {job.tries} times: {_html(job.trouble)}'
            "</span>"
        )
    return "; ".join(said)


def _linked(said: Said) -> str:
    """Name a verdict, with the way to its report, which lies beside the page."""
    to = f"{said.file}/{said.file}.compare.html"
    return f'<a class="{said.verdict}" href="{_html(to)}">{said.verdict}</a>'


def _row_json(job: Job) -> Json:
    said = job.said
    return {
        "expiresOn": said.expires_on if said else None,
        "finishedOn": said.finished_on if said else None,
        "nextOn": job.next_on,
        "out": bool(said and said.is_out),
        "platform": job.platform,
        "sha256": job.sha256,
        "tries": job.tries,
        "trouble": job.trouble,
        "verdict": said.verdict if said else None,
        "version": job.version,
        "withdrawn": job.is_withdrawn,
    }


def _moment(seconds: int) -> str:
    """Write a time as HTML, the same for everybody."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}">{at:%Y-%m-%d %H:%M} UTC</time>'


def _html(text: str) -> str:
    return escape(shown(text))
