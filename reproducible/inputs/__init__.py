"""What a build depends on, each by its hash."""
