"""ringfence-compare/1: a comparison for programs."""
