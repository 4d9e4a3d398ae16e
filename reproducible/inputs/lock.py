"""Lock files (PEP 751): which wheels exactly."""
