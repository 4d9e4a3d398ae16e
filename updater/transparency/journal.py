"""The log writer's memory of what it has signed."""
