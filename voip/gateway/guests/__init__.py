"""Browser guests: a link, a page, a sealed line, sealed media."""
