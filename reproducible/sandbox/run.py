"""Runs one job behind the wall, within limits."""
