"""What is weak about a witness policy, though it parses."""
