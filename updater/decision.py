"""The one function that says yes."""
