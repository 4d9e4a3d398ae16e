"""Finding a way to the other side, and noticing when it is gone: ICE (RFC 8445)."""
