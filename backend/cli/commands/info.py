"""``jobwarden config``, ``completion`` and ``help``."""

import click
from click.shell_completion import CompletionItem, get_completion_class

from jobwarden.backend.cli.main import COMPLETION, cli
from jobwarden.backend.cli.output import TextColumn, print_json, print_table
from jobwarden.backend.cli.say import say
from jobwarden.backend.config.settings import describe, load_settings

COLUMNS = (
    TextColumn("SETTING", lambda line: line.name),
    TextColumn("VALUE", lambda line: line.value),
    TextColumn("FROM", lambda line: line.origin),
    TextColumn("MEANING", lambda line: " ".join(line.doc.split())),
)


@click.command()
@click.option("--json", "json_wanted", is_flag=True, help="One JSON array.")
def config(json_wanted: bool) -> None:
    """Show every setting, its value and where that comes from; passwords are hidden.

    Example: jobwarden config
    """
    rows = describe(load_settings())
    if json_wanted:
        print_json(rows)
    else:
        print_table(COLUMNS, rows)


# ``jobwarden completion``.

SHELLS = ("bash", "zsh", "fish")

# click's own for bash asks for the words as readline cuts them: at colons, which would take state:running apart.
_BASH = """\
_jobwarden_completion() {
    local line=${COMP_LINE:0:COMP_POINT} typed lead= type value
    local -a words
    read -ra words <<< "$line"
    [[ $line == *[[:blank:]] ]] && words+=("")
    typed=${words[${#words[@]} - 1]}
    [[ $COMP_WORDBREAKS == *:* && $typed == *:* ]] && lead=${typed%"${typed##*:}"}
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$lead"}") ;;
        esac
    done < <(COMP_WORDS=$line COMP_CWORD=$((${#words[@]} - 1)) COMPLETION=bash_complete "$1" 2> /dev/null)
}
complete -o nosort -F _jobwarden_completion jobwarden
"""


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the shell completion script: verbs, options, job ids, states and node names.

    For this shell alone: source <(jobwarden completion bash), in fish: jobwarden completion fish | source. For zsh the
    script goes into ~/.zshrc, behind compinit.

    Example: jobwarden completion bash >> ~/.bashrc
    """
    say(script(shell))


def script(shell: str) -> str:
    """The script for one of SHELLS; the shell's function then calls this program for candidates."""
    if shell == "bash":
        return _BASH.replace("COMPLETION", COMPLETION)
    maker = get_completion_class(shell)
    assert maker is not None
    return maker(cli, {}, "jobwarden", COMPLETION).source()


# ``jobwarden help``.


def _verbs(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    root = ctx.find_root()
    return root.command.shell_complete(root, incomplete)


@click.command()
@click.argument("verb", nargs=-1, shell_complete=_verbs)
@click.pass_context
def help(ctx: click.Context, verb: tuple[str, ...]) -> None:
    """Show the help of VERB, or the list of verbs; the same as --help.

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
