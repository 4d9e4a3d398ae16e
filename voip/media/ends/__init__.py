"""What a person hears and shows with: devices, files, patterns, a terminal."""
