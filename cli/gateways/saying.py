"""What happens at a gateway's page, said to a person or to a program."""

from collections.abc import Mapping

import click

from cli.output import complain, is_for_programs, show


def tell(facts: Mapping[str, object], *lines: str) -> None:
    """Say what happens: to a program on stdout, to a person beside the links."""
    if is_for_programs():
        show(facts)
    else:
        for line in lines:
            click.echo(line, err=True)


def refuse(why: str) -> None:
    """Say what cannot be."""
    if is_for_programs():
        show({"event": "error", "sentence": why})
    else:
        complain(why)
