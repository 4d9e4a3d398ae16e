"""How good a call is: figures, words, a summary, a table and a plot."""
