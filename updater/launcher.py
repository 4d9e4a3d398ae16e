"""The launcher that stands outside all versions."""
