"""How a call ended, as an exit code; the table for users is docs/exit-codes.md."""

from cli.codes import Code
from voip.events import End

_CODES = {
    End.HUNG_UP: Code.DONE,
    End.ANSWERED_ELSEWHERE: Code.DONE,
    End.GLARE: Code.DONE,  # the other of the two calls goes on
    End.SUPERSEDED: Code.DONE,  # likewise the newer one
    End.DECLINED: Code.REFUSED,
    End.DECLINED_ELSEWHERE: Code.REFUSED,
    End.NOT_TAKEN: Code.REFUSED,
    End.NO_ANSWER: Code.NO_ANSWER,
    End.CANCELLED: Code.NO_ANSWER,
    End.MISSED: Code.NO_ANSWER,
    End.UNCONFIRMED: Code.NO_ANSWER,
    End.BUSY: Code.BUSY,
    End.SECURITY: Code.DISTRUST,
    End.UNREACHABLE: Code.UNREACHABLE,
    End.LOST: Code.UNREACHABLE,
}


def code_of(end: End, *, is_broken: bool) -> Code:
    """Look up how a call ended; that the trust is broken comes before anything else."""
    return Code.DISTRUST if is_broken else _CODES[end]
