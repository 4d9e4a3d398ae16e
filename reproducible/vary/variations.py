"""What is varied, and how a variation proves that it varied."""
