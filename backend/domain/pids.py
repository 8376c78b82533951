"""How a process of a job is named wherever one is shown: a job has a supervisor, which watches, and a script."""

from collections.abc import Sequence


def name_processes(pids: Sequence[int], supervisor: int | None) -> str:
    """Return the processes, each as what it is; ``supervisor`` is the pid that was recorded at the start.

    >>> name_processes([12], 12), name_processes([13, 14], 12), name_processes([12, 13], 12)
    ('supervisor pid 12', 'script pid 13, 14', 'supervisor pid 12, script pid 13')
    """
    said = [f"supervisor pid {pid}" for pid in pids if pid == supervisor]
    scripts = ", ".join(str(pid) for pid in pids if pid != supervisor)
    return ", ".join([*said, f"script pid {scripts}"] if scripts else said)
