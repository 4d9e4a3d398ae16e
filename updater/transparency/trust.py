"""Who may claim what: the file trust.json."""
