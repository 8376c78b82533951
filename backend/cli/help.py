"""``jobwarden help``."""

import click
from click.shell_completion import CompletionItem

from backend.cli.say import say


def _verbs(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    root = ctx.find_root()
    return root.command.shell_complete(root, incomplete)


@click.command()
@click.argument("verb", nargs=-1, shell_complete=_verbs)
@click.pass_context
def help(ctx: click.Context, verb: tuple[str, ...]) -> None:
    """Show what VERB does and its options, without one all verbs: the same as --help.

    Example: jobwarden help submit
    """
    shown = ctx.parent
    assert shown is not None, "this is a verb of the group"
    for word in verb:
        group = shown.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"{shown.command_path} has no verb {word!a}: see `jobwarden help`")
        name, command, _ = group.resolve_command(shown, [word])
        assert command is not None, "an unknown one was refused"
        shown = click.Context(command, parent=shown, info_name=name)
    say(shown.get_help())
