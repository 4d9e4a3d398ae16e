"""The only door to sigstore-python."""
