"""Who signed with Sigstore: our own reading of a bundle, after the library's."""
