"""How the log screen does with a log of gigabytes: opening, following, searching, going anywhere, memory."""
