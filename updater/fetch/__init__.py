"""Getting bytes from servers that are slow, broken or hostile."""
