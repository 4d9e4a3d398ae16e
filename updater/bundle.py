"""The release bundle: only the bytes that its writer would have written."""
