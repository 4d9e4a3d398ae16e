"""Channel files, the order of versions, waves: which release is for whom, and when."""
