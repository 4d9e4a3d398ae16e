"""The proof file beside a release (C2SP tlog-proof)."""
