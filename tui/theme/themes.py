"""The themes one can choose from. The meaning of a colour is the same in each: ``warning`` is kept for anomalies."""

from textual.css.stylesheet import Stylesheet
from textual.theme import Theme

DEFAULT = "dark"

THEMES: dict[str, Theme] = {
    theme.name: theme
    for theme in (
        Theme(
            "dark",
            primary="#0178D4",
            secondary="#004578",
            warning="#ffa62b",
            error="#ba3c5b",
            success="#4EBF71",
            accent="#ffa62b",
            foreground="#e0e0e0",
            panel="#252a31",  # so little colour that a terminal of 256 colours takes a grey for it, and no navy
        ),
        Theme(
            "light",
            primary="#00518f",
            secondary="#0178D4",
            warning="#b34700",
            error="#b00030",
            success="#1b7a3a",
            accent="#b34700",
            foreground="#1c1c1c",
            background="#f4f4f2",
            surface="#e9e9e6",
            panel="#dcdcd8",
            dark=False,
        ),
        Theme(
            "nord",
            primary="#88C0D0",
            secondary="#81A1C1",
            warning="#EBCB8B",
            error="#BF616A",
            success="#A3BE8C",
            accent="#B48EAD",
            foreground="#D8DEE9",
            background="#2E3440",
            surface="#3B4252",
            panel="#434C5E",
        ),
        Theme(
            "contrast",
            primary="#00d7ff",
            secondary="#00afff",
            warning="#ffff00",
            error="#ff5f5f",
            success="#00ff5f",
            accent="#ffff00",
            foreground="#ffffff",
            background="#000000",
            surface="#121212",
            panel="#262626",
        ),
        Theme(
            "ansi",
            ansi=True,
            primary="ansi_blue",
            secondary="ansi_cyan",
            warning="ansi_yellow",
            error="ansi_red",
            success="ansi_green",
            accent="ansi_magenta",
            foreground="ansi_default",
            background="ansi_default",
            surface="ansi_default",
            panel="ansi_default",
            boost="ansi_default",
            variables={
                "ansi-background": "ansi_black",
                "ansi-foreground": "ansi_white",
                "border-blurred": "ansi_bright_black",
                "block-cursor-foreground": "ansi_black",
                "block-cursor-background": "ansi_white",
                "input-cursor-background": "ansi_white",
                "input-cursor-foreground": "ansi_black",
                "input-selection-background": "ansi_bright_blue",
                "input-selection-foreground": "ansi_black",
                "screen-selection-background": "ansi_bright_blue",
                "screen-selection-foreground": "ansi_black",
            },
        ),
    )
}


class ParsedOnce(Stylesheet):
    """The rules of the look, parsed again only when the colours change: Textual does so at the first look at every
    screen and twice at the start."""

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take colours; what was parsed with the same ones stays."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Put the rules together from what was parsed. Raises StylesheetParseError, and the rules stay as they were."""
        self.parse()
