"""A private Sigstore on loopback."""
