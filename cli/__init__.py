"""The command ringfence: a thin layer over the libraries."""
