"""The frame of our static pages: one file, no script, nothing from outside.

What a page shows is mostly written by strangers. Were an escape ever forgotten, the
policy in the head lets a browser load and run nothing, but apply the one style sheet.
"""

import base64
import hashlib
import html
from typing import Final

from reproducible.compare.shown import shortened

_MOST_CHARACTERS = 400  # of one name, detail or line

# Verdicts have a sign and a word; colour only repeats them. All text has a contrast of
# 4.5 and more in both schemes (WCAG 2.2, 1.4.3).
_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1f2328;--dim:#59636e;--paper:#fff;--card:#f6f8fa;
--line:#d1d9e0;--link:#0550ae;--yes:#116329;--maybe:#7d4e00;--no:#a40e26;--off:#59636e;
--del:#ffebe9;--del-word:#ffc1ba;--ins:#dafbe1;--ins-word:#9be9a8}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#9198a1;--paper:#0d1117;
--card:#161b22;--line:#3d444d;--link:#79c0ff;--yes:#56d364;--maybe:#e3b341;
--no:#ff8177;--off:#9198a1;--del:#3c1618;--del-word:#8e1519;--ins:#12261e;
--ins-word:#1a6334}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:1rem/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:76rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.5rem;margin:0 0 1rem}
h2{font-size:1.2rem;margin:0 0 .25rem;overflow-wrap:anywhere}
h3{font-size:1rem;margin:1.75rem 0 .5rem}
section{border-top:1px solid var(--line);padding:1.5rem 0}
section:first-of-type{border-top:0;padding-top:0}
p{margin:.25rem 0 .75rem;max-width:60rem}
a{color:var(--link)}
code,pre,samp{font:.85rem/1.45 ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
code,samp,td,th{overflow-wrap:anywhere}
.verdict{font-weight:600}
.identical{color:var(--yes)}.identical-with-exceptions{color:var(--maybe)}
.different{color:var(--no)}.build-failed,.unsupported{color:var(--off)}
.dim{color:var(--dim)}
ul,ol{padding-left:1.4rem;margin:.25rem 0}li{margin:.2rem 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;color:var(--dim);padding:0 0 .35rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .75rem .3rem 0;
border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--dim);font-weight:600}
tbody th{font-weight:600;white-space:nowrap}
.facts td:nth-of-type(1),.facts tbody th{white-space:nowrap}
details{border:1px solid var(--line);border-radius:6px;margin:.75rem 0;overflow:hidden}
summary{padding:.5rem .75rem;background:var(--card);cursor:pointer;
overflow-wrap:anywhere}
summary:focus-visible,a:focus-visible{outline:2px solid var(--link);outline-offset:-2px}
details pre{margin:0;padding:.75rem;overflow-x:auto}
details>p{margin:0;padding:.4rem .75rem;border-top:1px solid var(--line)}
.diff{table-layout:fixed}
.diff caption{position:absolute;width:1px;height:1px;overflow:hidden;
clip-path:inset(50%)}
.diff .number{width:3.6rem}
.diff th,.diff td{border:0;padding:.05rem .5rem}
.diff thead th{padding:.3rem .5rem;border-bottom:1px solid var(--line)}
.diff td.at{color:var(--dim);text-align:right;font-size:.8rem}
.diff td{white-space:pre-wrap}
.diff td:nth-child(3),.diff th:nth-child(3){border-left:1px solid var(--line)}
.diff del,.diff ins{text-decoration:none}
.diff .out{background:var(--del)}.diff .in{background:var(--ins)}
.diff .out del{background:var(--del-word)}.diff .in ins{background:var(--ins-word)}
.diff .whole del,.diff .whole ins{background:none}
.diff .gap td{background:var(--card);color:var(--dim);text-align:center}
@media(max-width:44rem){
.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;
clip-path:inset(50%)}
.stack,.stack caption,.stack tbody,.stack tr,.stack th,.stack td{display:block}
.stack tr{border-top:1px solid var(--line);padding:.4rem 0}
.stack th,.stack td{border:0;padding:0}
.stack [data-name]::before{content:attr(data-name) " ";color:var(--dim)}
.diff,.diff tbody{display:block}
.diff tr{display:grid;grid-template-columns:3.2rem 1fr}
.diff thead{position:absolute;width:1px;height:1px;overflow:hidden;
clip-path:inset(50%)}
.diff .none,.diff .twin{display:none}
.diff .gap{display:block}
.diff .gap td{display:block}
.diff td:nth-child(3){border-left:0}}
"""

_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{}'"
)

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}</main>
</body>
</html>
"""


def frame(title: str, body: str) -> bytes:
    """Put a page around `body`, which is HTML; the title is plain text."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    page = _PAGE.format(
        policy=_POLICY.format(digest), title=quoted(title), style=_STYLE, body=body
    )
    return page.encode()


def quoted(text: str, most: int = _MOST_CHARACTERS) -> str:
    """Write foreign text into HTML: hidden characters are shown, markup is text."""
    return html.escape(shortened(text, most))
