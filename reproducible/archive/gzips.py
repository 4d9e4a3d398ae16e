"""One gzip member, read strictly and written canonically."""
