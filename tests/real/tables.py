"""Tables of docs/servers.md, brought up to date by what was run: other rows stay as they were, and so do columns."""

from collections.abc import Iterable, Mapping, Sequence

_END = "<!-- end -->\n"


def page_with(
    page: str, mark: str, columns: Sequence[str], names: Iterable[str], found: Mapping[str, Mapping[str, str]]
) -> str:
    """The page, the table behind the line `mark` anew: a row a name that has one, in this order, and of each the cells
    that were `found`. The first column is that of the names."""
    begin = page.index(f"{mark}\n") + len(mark) + 1
    end = page.index(_END, begin)
    known = _read(page[begin:end], columns)
    lines = [_line(*columns), _line(*["---"] * len(columns))]
    for name in names:
        cells = {**known.get(name, {}), **found.get(name, {})}
        if not cells:
            continue
        lines.append(_line(name, *(cells.get(each) or "–" for each in columns[1:])))
    return page[:begin] + "".join(lines) + page[end:]


def _read(table: str, columns: Sequence[str]) -> dict[str, dict[str, str]]:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    return {name: dict(zip(columns[1:], cells, strict=False)) for name, *cells in rows}


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"
