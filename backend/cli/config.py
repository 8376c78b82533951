"""``jobwarden config``: the settings in force."""

import click

from backend.cli.output import Column, print_json, print_table
from backend.settings import describe, load_settings

COLUMNS = (
    Column("SETTING", lambda line: line.name),
    Column("VALUE", lambda line: line.value),
    Column("FROM", lambda line: line.origin),
    Column("MEANING", lambda line: " ".join(line.doc.split())),
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
