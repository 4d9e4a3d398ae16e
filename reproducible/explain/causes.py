"""Why files differ, in plain words."""
