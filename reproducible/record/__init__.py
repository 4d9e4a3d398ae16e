"""What is written down about a build, and signed."""
