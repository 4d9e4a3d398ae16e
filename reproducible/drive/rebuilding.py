"""A published release: fetched, rebuilt, compared, stated."""
