"""Our own releases."""
