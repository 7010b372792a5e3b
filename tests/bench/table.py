"""The table of `make bench`: what was measured of each stage, as rows that are written, and read back to be renewed."""

from __future__ import annotations

from dataclasses import dataclass, field

HEADS = ("stage", "work", "1×", "10×", "100×", "growth", "peak MB", "peer", "times as fast", "bar", "measured")


@dataclass(frozen=True)
class Bar:
    """What a row must hold at its largest work: `what` is seconds, MB or ratio (at least)."""

    what: str
    limit: float

    def told(self, value: float | None) -> str:
        """The bar and whether it is met; a row without the figure says so."""
        sign = {"seconds": f"< {self.limit:g} s", "MB": f"< {self.limit:g} MB", "ratio": f"≥ {self.limit:g} × as fast"}
        if value is None:
            return f"{sign[self.what]}: not measured"
        met = value >= self.limit if self.what == "ratio" else value < self.limit
        return f"{sign[self.what]}: {'met' if met else 'MISSED'}"


@dataclass
class Row:
    """One stage at three sizes. Seconds and megabytes by size, None where it failed or was not reached."""

    name: str
    work: str
    sizes: tuple[int, ...]
    peer: str = ""
    bars: tuple[Bar, ...] = ()
    measured: str = ""
    seconds: dict[int, float] = field(default_factory=dict)
    peaks: dict[int, int] = field(default_factory=dict)
    peers: dict[int, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)  # what failed, in words
    peerless: str = ""  # why the peer was not measured

    def cells(self) -> list[str]:
        """The row as text, by HEADS."""
        single = len(self.sizes) == 1
        work = self.work if single else f"{', '.join(f'{size:,}' for size in self.sizes)} {self.work}"
        times = [shown(self.seconds.get(size)) for size in self.sizes] + ["—"] * (3 - len(self.sizes))
        peers = [shown(self.peers.get(size)) for size in self.sizes]
        return [
            self.name,
            work,
            *times,
            "—" if single else self._growth(),
            " / ".join(str(self.peaks.get(size, "?")) for size in self.sizes),
            self.peerless or (f"{self.peer}: {' / '.join(peers)}" if self.peer else "none"),
            " / ".join(_ratio(self.ratio(size)) for size in self.sizes) if self.peer and not self.peerless else "—",
            "; ".join([*self.wrong, *(bar.told(self._value(bar.what)) for bar in self.bars)]) or "—",
            self.measured,
        ]

    def ratio(self, size: int) -> float | None:
        """How many times as fast as the peer, from the same run."""
        ours, theirs = self.seconds.get(size), self.peers.get(size)
        return theirs / ours if ours and theirs else None

    def short(self) -> bool:
        """Whether something failed or a bar is missed."""
        return bool(self.wrong) or any("MISSED" in bar.told(self._value(bar.what)) for bar in self.bars)

    def _value(self, what: str) -> float | None:
        last = self.sizes[-1]
        return {"seconds": self.seconds.get(last), "MB": self.peaks.get(last), "ratio": self.ratio(last)}[what]

    def _growth(self) -> str:
        first, last = self.seconds.get(self.sizes[0]), self.seconds.get(self.sizes[-1])
        return f"× {last / first:.3g}" if first and last else "?"


def shown(seconds: float | None) -> str:
    """A time in the unit that suits it; ? where there is none."""
    if seconds is None:
        return "?"
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _ratio(value: float | None) -> str:
    return "?" if value is None else f"{value:.2g}" if value < 10 else f"{value:.0f}"


def text(lines: dict[str, list[str]]) -> str:
    """The rows' cells as one Markdown table."""
    safe = [[cell.replace("|", "/").replace("\n", " ") for cell in cells] for cells in [list(HEADS), *lines.values()]]
    widths = [max(3, *(len(cells[n]) for cells in safe)) for n in range(len(HEADS))]
    drawn = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |" for cells in safe
    ]
    return "\n".join([drawn[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *drawn[1:]])


def read(written: str) -> dict[str, list[str]]:
    """The rows of a table that was written before, by stage; those of another shape are dropped."""
    found = {}
    for line in written.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| ") and len(cells) == len(HEADS) and cells[0] != HEADS[0]:
            found[cells[0]] = cells
    return found
