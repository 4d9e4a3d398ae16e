"""The steps of a release and the journal that outlives a kill."""
