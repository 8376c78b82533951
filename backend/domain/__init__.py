"""Words and rules of the field, free of input and output."""
