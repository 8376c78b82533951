"""What a change put something else in place of, so that it can be taken back."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Replaced(Generic[T]):
    """The value before the change."""

    value: T
