"""A log as a training writes it, as large as one likes; the first and the last line are like no other."""

from pathlib import Path

BLOCK = 4 << 20
FIRST, LAST = "the very first line", "the very last line"


def generate(path: Path, size: int) -> None:
    """Write about ``size`` bytes of lines of some 100 characters, every thousandth one an error."""
    lines, length, number = [], 0, 0
    while length < BLOCK:
        number += 1
        level = "ERROR" if number % 1000 == 0 else "INFO"
        text = f"2026-03-14 03:{number // 60 % 60:02}:{number % 60:02},123 {level} worker.step epoch={number}"
        lines.append(f"{text} loss=0.1234 throughput=1234/s shard={number:06}\n")
        length += len(lines[-1])
    block = "".join(lines).encode()
    with path.open("wb") as out:
        out.write(f"{FIRST}\n".encode())
        for _ in range(max(1, size // len(block))):
            out.write(block)
        out.write(f"{LAST}\n".encode())
