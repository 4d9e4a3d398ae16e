"""Runs inside the sandbox, with any Python from 3.7 on."""
