"""What this machine has: tools, interpreters, namespaces."""
