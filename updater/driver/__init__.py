"""One run of the updater: gather, decide, fetch, decide again, install."""
