"""The commands of `ringfence gateway`, a module each."""
