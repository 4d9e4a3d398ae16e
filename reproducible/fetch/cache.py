"""Files by SHA-256, kept."""
