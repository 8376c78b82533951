"""The screens: each puts widgets together and says which keys work there."""
