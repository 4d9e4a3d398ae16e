"""The subcommands of `ringfence rebuild`."""
