"""Kills, full disks and the order of writes."""
