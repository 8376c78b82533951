"""The door to the actions and feeds of the backend, which are loaded behind the first picture."""
