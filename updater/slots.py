"""What is installed, as a value; which version starts next."""
