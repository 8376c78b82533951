"""The dashboard.

Textual paints in frames, and a key that comes right behind a paint waits for the frame after the next one: a thirtieth
of a second at its usual 60 frames. So the frames are made short, here, before anything imports Textual. Nothing is
painted more often for it: a frame in which nothing changed is not painted at all.
"""

import os

os.environ.setdefault("TEXTUAL_FPS", "250")
