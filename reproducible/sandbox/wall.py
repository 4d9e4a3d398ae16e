"""Closes level 0: runs as the first process of new namespaces, and starts the hook.

Carrier; stdlib only, no import of ours.
"""
