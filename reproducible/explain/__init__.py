"""What a comparison means, for people and for programs."""
