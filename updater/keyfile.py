"""Private keys at rest: Argon2id over a passphrase, in the project's own small form."""
