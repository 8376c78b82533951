"""What is read, as frozen records that need no database driver."""
