"""Classes of difference between two archives."""
