"""The sockets of an ICE agent."""

from collections.abc import Callable

Trace = Callable[[bytes, tuple[str, int]], None]
"""Sees each datagram, and where to, just before it leaves this machine."""
