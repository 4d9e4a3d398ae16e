r"""Foreign text, made harmless: what leaves us is what it looks like.

Names, metadata and diffs come from strangers. A control character can move a cursor, a
bidi mark can turn a line around, a zero-width one can hide in a name. All of them, and
whatever else has no picture, become ``\x1b`` or ``\u202e``, as everywhere in the
program. HTML is escaped on top of this, where it is written.

More is marked here than where a name or an error is quoted: in a line of code, a letter
that shows nothing or a heap of accents may be the whole attack.
"""

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""General categories (Unicode section 4.5): controls, formats (bidi and zero-width are
among them), unassigned, private use, surrogates, line and paragraph separators."""

_BLANK = "\u115f\u1160\u2800\u3164\uffa0"  # letters by category that show nothing
_ZALGO = frozenset({"Mn", "Me"})
_MARKS = 3  # Vietnamese stacks two on a letter; more only smear over other lines


def shown(text: str) -> str:
    r"""Show text of one line as itself, but for characters that are not seen.

    A backslash stays as it is, so the result is for people, and cannot be undone.
    """
    if text.isascii() and text.isprintable():
        return text
    found: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in _ZALGO else 0
        # Of all spaces only the plain one: the others look like it, or like nothing.
        odd_space = category == "Zs" and char != " "
        if category in _HIDDEN or char in _BLANK or odd_space or marks > _MARKS:
            found.append(char.encode("unicode_escape").decode())
        else:
            found.append(char)
    return "".join(found)


def shortened(text: str, most: int) -> str:
    """Show at most `most` characters of a text, and say so where it was longer."""
    # Before it is shown: what is cut off costs nothing, and no escape is cut through.
    if len(text) <= most:
        return shown(text)
    return f"{shown(text[:most])}… ({len(text) - most} more)"
