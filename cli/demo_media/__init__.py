"""The two voices of the demo, as Ogg Opus; README.md says where they come from."""
