"""Are these two files the same, and if not, how do they differ?"""
