"""Parts of the screen of one job."""
