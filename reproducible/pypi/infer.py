"""Recipes found out from a published wheel and its sdist."""
