"""The files that a bundle becomes, and the manifest that says so."""
