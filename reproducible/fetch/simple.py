"""What an index says about a project (PEP 691)."""
