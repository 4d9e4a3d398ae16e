"""The kinds of claim that a log holds, and their exact form."""
