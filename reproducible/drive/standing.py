"""What a watching rebuilder remembers."""
