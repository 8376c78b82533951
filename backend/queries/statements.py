"""Loads the SQL of the read model: one file for each question, kept in ``sql/``."""

from functools import cache
from importlib.resources import files

from jobwarden.backend.database.driver import Statement, text


@cache
def source(name: str) -> str:
    """Return the text of ``sql/<name>.sql``.

    Raises FileNotFoundError for a name that has no file, which is a mistake in the program.
    """
    return files("jobwarden.backend.queries").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


@cache
def statement(name: str) -> Statement:
    """Return ``sql/<name>.sql`` ready to execute; parameters are written ``:name``."""
    return text(source(name))


def read_all() -> None:
    """Read every statement now: a program that is moved away or replaced later leaves none to be read."""
    for file in files("jobwarden.backend.queries").joinpath("sql").iterdir():
        statement(file.name.removesuffix(".sql"))
