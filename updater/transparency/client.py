"""Following a log as a client: heads, tiles and every new entry."""
