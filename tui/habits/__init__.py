"""What a person expects of every terminal program, on every screen: palette, clipboard, pager, suspend, bell."""
