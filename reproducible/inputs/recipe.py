"""recipe.toml: how something is built."""
