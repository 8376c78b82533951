"""What operators do from the screen: pinned when a key is pressed, asked about, performed, reported, taken back."""
