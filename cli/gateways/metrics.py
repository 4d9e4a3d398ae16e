"""`--metrics` of the gateways' commands, as `relay serve` has it."""

import click

metrics_option = click.option(
    "--metrics",
    metavar="HOST:PORT",
    help="Serve /metrics, /healthz, /readyz; they name nobody.",
)
