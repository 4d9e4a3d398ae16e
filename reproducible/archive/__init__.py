"""Archives of strangers, read strictly, and archives of ours, written canonically."""
