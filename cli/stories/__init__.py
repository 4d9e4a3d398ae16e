"""What `ringfence demo` plays: a call, an attack on one, an update."""
