"""What was gathered about a release, and what a gate says of it."""
