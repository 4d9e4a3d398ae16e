"""Following a log on behalf of everybody."""
