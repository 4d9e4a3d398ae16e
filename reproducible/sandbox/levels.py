"""How closed a sandbox is, and the command that makes it so."""
