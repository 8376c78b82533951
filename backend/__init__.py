"""Everything but the screen."""
