"""A file server that misbehaves on request."""
