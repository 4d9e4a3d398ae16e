"""Wheels of strangers, read strictly, and canonical-wheel/1 of a backend's wheel."""
