"""Texts in two columns, as the detail panes show them."""
