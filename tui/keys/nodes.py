"""Keys of the screen of the nodes."""

from tui.keys.model import Group, Key

NODES = Group(
    "Act on the node",
    (
        Key("nodes.drain", "d", "d", "node('drain')", "drain", "let running jobs go on, start no new ones", 2, True),
        Key("nodes.resume", "r", "r", "node('resume')", "resume", "let the node take jobs again", 3, True),
    ),
)
