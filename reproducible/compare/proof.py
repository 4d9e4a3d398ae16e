"""Patch-proof: header fields copied over must give the other file bit for bit."""
