"""What the probe saw inside, judged."""
