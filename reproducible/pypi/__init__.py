"""Published packages, rebuilt with a recipe that is found out."""
