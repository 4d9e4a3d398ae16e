"""Comparing heads with a peer, over any channel."""
