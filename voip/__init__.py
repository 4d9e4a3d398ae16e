"""End-to-end encrypted calls between people who hold identity keys."""
