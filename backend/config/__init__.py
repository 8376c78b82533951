"""The settings of an installation, and what the host has to give."""
