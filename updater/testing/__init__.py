"""A private Sigstore, a hostile server and faults, for tests of any messenger."""
