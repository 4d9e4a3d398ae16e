"""Pictures: codecs, payload formats, sending at the rate there is, repairing."""
