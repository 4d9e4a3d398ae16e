"""One package of an index: fetched, rebuilt, compared."""
