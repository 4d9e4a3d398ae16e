"""Several people: each with each, or over a server that hears nothing."""
