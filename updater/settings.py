"""What the user asks of the updater."""
