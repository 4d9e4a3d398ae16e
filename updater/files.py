"""Files that survive a power cut: beside, sync, rename, sync the folder; and locks."""
