"""Publishing a release, one repeatable step after the other."""
