"""A commit exported, without ever checking it out."""
