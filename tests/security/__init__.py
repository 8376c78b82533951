"""Every attempt of a review that attacked our own installation, as a test."""
