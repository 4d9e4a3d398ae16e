"""Witness policies (C2SP tlog-policy), quorums and their times."""
