"""Actions as the screen offers them: asked for, confirmed, done, undone."""
