"""``jobwarden completion``."""

import click
from click.shell_completion import get_completion_class

from backend.cli.root import COMPLETION, cli
from backend.cli.say import say

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
    """Print what makes a shell complete verbs, options, job ids, states and node names.

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
