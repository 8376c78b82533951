"""What the detail panes say, as plain functions of records."""
