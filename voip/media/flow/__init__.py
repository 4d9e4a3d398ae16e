"""What a path can carry: reports of what came, and the rate that follows."""
