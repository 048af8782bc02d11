"""The figures for people: tables on the terminal, and a page with pictures."""

from pathlib import Path
from statistics import median
from typing import Any

Found = dict[str, list[dict[str, Any]]]

GROWTH, READS, WRITES = 1.3, 2.5, 2.0  # what the portal has to reach
INK, QUIET, ACCENT, FLOOR = "#1f2328", "#6e7781", "#0f6cbd", "#c8d1da"


def text(run: dict[str, Any], found: Found) -> str:
    """Every table, as it stands on a terminal and in Markdown alike."""
    return "\n\n".join([_head(run), *(part for engine, sizes in found.items() for part in _engine(engine, sizes, run.get("before") or ""))])


def write(page: Path, run: dict[str, Any], found: Found) -> None:
    """Replace what `page` says between its two marks, and draw the pictures beside it."""
    pictures = page.parent / "performance"
    pictures.mkdir(parents=True, exist_ok=True)
    shown = []
    for engine, sizes in found.items():
        for name, drawing in (("jobs", _jobs_picture(engine, sizes)), ("growth", _growth_picture(engine, sizes))):
            path = pictures / f"{engine.lower()}-{name}.svg"
            path.write_text(drawing + "\n")
            shown.append(
                f"![{engine}: {'time and floor of each job' if name == 'jobs' else 'growth with the customers'}](performance/{path.name})"
            )
    before, begin, rest = page.read_text().partition("<!-- measured -->\n")
    _old, end, after = rest.partition("<!-- end of what was measured -->")
    page.write_text(before + begin + "\n" + "\n\n".join([*shown, text(run, found)]) + "\n\n" + end + after)


def _head(run: dict[str, Any]) -> str:
    return (
        f"{run['processors']} processors for server, database and clients together; the whole run took {run['minutes']:.0f} minutes, "
        f"with {run['repeat']} requests of each job by one client: read single percentiles with care."
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown, its columns under each other."""
    lines = [head, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]

    def line(cells: list[str]) -> str:
        padded = [cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(cells, widths, strict=True))]
        return f"| {' | '.join(padded)} |"

    rule = "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])])
    return "\n".join([line(head), f"|{rule}|", *(line(row) for row in rows)])


def _engine(engine: str, sizes: list[dict[str, Any]], commit: str) -> list[str]:
    names = list(sizes[-1]["jobs"])
    labels = [f"{one['size']:,}" for one in sizes]
    last = sizes[-1]["jobs"]
    times = [
        [name, *(f"{one['jobs'][name]['median']:.1f} / {one['jobs'][name]['p95']:.1f}" for one in sizes), _growth(sizes, name)]
        for name in names
    ]
    pace = ["the pace: one's profile", *(f"{median([job['pace'] for job in one['jobs'].values()]):.1f}" for one in sizes), ""]
    ratios = [
        [name, *(f"{one['jobs'][name]['ratio']:.2f}" for one in sizes), f"{_most(last[name]):.1f}", _verdict(sizes, name)] for name in names
    ]
    load = [
        [
            name,
            f"{job['rate']:.0f}",
            f"{job['floor rate']:.0f}",
            f"{job['crowded p95']:.0f}",
            str(job["queries"]),
            f"{job['sql']:.1f}",
            f"{job['bytes'] / 1000:.1f}",
        ]
        for name, job in last.items()
    ]
    seeding = [
        [
            label,
            f"{one['seeding']['a second']:.0f}",
            f"{one['seeding']['memory']:.0f}",
            f"{one['memory']['before']}",
            f"{one['memory']['after']}",
        ]
        for label, one in zip(labels, sizes, strict=True)
    ]
    changes = [[name, f"{times['before']:.1f}", f"{times['now']:.1f}"] for name, times in sizes[-1]["before"].items()]
    parts = list(dict.fromkeys(part for shares in sizes[-1]["profile"].values() for part in shares))
    profile = [[page, *(f"{100 * shares.get(part, 0):.0f}%" for part in parts)] for page, shares in sizes[-1]["profile"].items()]
    return [
        f"### {engine}",
        f"One client: median / 95th percentile in ms, and growth from the smallest to the largest (at most {GROWTH}), by the "
        "machine's pace at each size: that of one's own profile page, asked in turns with every job.",
        _table(["job", *labels, "growth"], [*times, pace]),
        f"Ratio to the floor (reads at most {READS}, writes at most {WRITES}).",
        _table(["job", *labels, "at most", "reached"], ratios),
        f"Eight clients at {labels[-1]} customers; queries and their time of one request by itself.",
        _table(["job", "a second", "floor", "p95, ms", "queries", "SQL, ms", "kB"], load),
        "Filling the account, and the server's memory in MB before and after the load of each size.",
        _table(["customers", "seeded a second", "seed's memory", "server before", "after"], seeding),
        *_since(commit, labels[-1], last),
        f"What the changes gave at {labels[-1]} customers: the SQL of the first version, and all that the portal does for it now, in ms.",
        _table(["what", "before", "now"], changes),
        "Where the processor's time goes in the server, without waiting for the database.",
        _table(["page", *parts], profile),
    ]


def _since(commit: str, label: str, jobs: dict[str, dict[str, Any]]) -> list[str]:
    """What has changed since an earlier commit, if that was measured, too."""
    rows = [
        [name, f"{job['before']:.1f}", f"{job['median']:.1f}", f"{job['median'] / job['before']:.2f}"]
        for name, job in jobs.items()
        if job["before"]
    ]
    said = f"The code of {commit} and that of now at {label} customers, in turns on the same database: median of one client in ms."
    return [said, _table(["job", "before", "now", "now/before"], rows)] if rows else []


def _ratio_of_growth(sizes: list[dict[str, Any]], name: str) -> float:
    """How many times its time at the smallest size a job takes at the largest, by the machine's pace at that time."""
    first, last = (one["jobs"][name]["median"] / one["jobs"][name]["pace"] for one in (sizes[0], sizes[-1]))
    return last / first


def _growth(sizes: list[dict[str, Any]], name: str) -> str:
    return f"{_ratio_of_growth(sizes, name):.2f}" if len(sizes) > 1 else "-"


def _most(job: dict[str, Any]) -> float:
    return WRITES if job["write"] else READS


def _verdict(sizes: list[dict[str, Any]], name: str) -> str:
    job = sizes[-1]["jobs"][name]
    misses = ["floor"] if any(one["jobs"][name]["ratio"] > _most(job) for one in sizes) else []
    misses += ["growth"] if len(sizes) > 1 and _ratio_of_growth(sizes, name) > GROWTH else []
    misses += ["queries"] if job["queries"] > 12 and not job["write"] else []
    return "yes" if not misses else "not " + ", ".join(misses)


def _svg(width: int, height: int, title: str, shapes: list[str]) -> str:
    style = (
        f'<style>text{{font:12px system-ui,sans-serif;fill:{INK}}}.q{{fill:{QUIET}}}</style><rect width="100%" height="100%" fill="#fff"/>'
    )
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">'
    return "\n".join([head, f"<title>{title}</title>", style, *shapes, "</svg>"])


def _jobs_picture(engine: str, sizes: list[dict[str, Any]]) -> str:
    """A bar for each job at the largest size, its floor inside it."""
    jobs = sizes[-1]["jobs"]
    widest = max(job["median"] for job in jobs.values())
    scale, left, row = 460 / widest, 200, 20
    shapes = [f'<text x="{left}" y="16">Median in ms with {sizes[-1]["size"]:,} customers; light: the floor</text>']
    for i, (name, job) in enumerate(jobs.items()):
        y = 28 + i * row
        shapes += [
            f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{name}</text>',
            f'<rect x="{left}" y="{y + 1}" width="{job["median"] * scale:.1f}" height="14" rx="2" fill="{ACCENT}"/>',
            f'<rect x="{left}" y="{y + 5}" width="{job["floor"] * scale:.1f}" height="6" fill="{FLOOR}"/>',
            f'<text class="q" x="{left + job["median"] * scale + 6:.1f}" y="{y + 12}">{job["median"]:.1f}</text>',
        ]
    return _svg(720, 36 + len(jobs) * row, f"{engine}: time and floor of each job", shapes)


def _growth_picture(engine: str, sizes: list[dict[str, Any]]) -> str:
    """A dot for each job: how many times its time at the smallest size it takes at the largest; a line where the limit is."""
    names = list(sizes[-1]["jobs"])
    left, width, row, most = 200, 440, 20, 2.0

    def x(value: float) -> float:
        return left + width * min(value, most) / most

    bottom = 28 + len(names) * row
    said = f"Time with {sizes[-1]['size']:,} customers as a multiple of that with {sizes[0]['size']:,}, by the machine's pace"
    shapes = [f'<text x="{left}" y="16">{said}</text>']
    for mark, color in ((1.0, FLOOR), (GROWTH, "#cf222e")):
        shapes.append(f'<line x1="{x(mark):.1f}" y1="24" x2="{x(mark):.1f}" y2="{bottom}" stroke="{color}"/>')
        shapes.append(f'<text class="q" x="{x(mark):.1f}" y="{bottom + 14}" text-anchor="middle">{mark:g}</text>')
    for i, name in enumerate(names):
        y, grown = 28 + i * row, _ratio_of_growth(sizes, name)
        shapes += [
            f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{name}</text>',
            f'<circle cx="{x(grown):.1f}" cy="{y + 8}" r="4" fill="{ACCENT}"/>',
            f'<text class="q" x="{x(grown) + 8:.1f}" y="{y + 12}">{grown:.2f}</text>',
        ]
    return _svg(720, bottom + 22, f"{engine}: growth with the number of customers", shapes)
