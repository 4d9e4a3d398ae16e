"""The maintainer's side: keys, metadata, claims, in a safe order."""
