"""The roles of our repository: who may sign what, for how long."""
