"""What a witness checks before it signs, in order."""
