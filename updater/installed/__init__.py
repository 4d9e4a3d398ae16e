"""What is installed and what was done, as values: slots, starts, audit lines."""
