"""Charts as SVG text: stacked bars and lines. Deterministic, no libraries; colours read on light and dark pages."""

from xml.sax.saxutils import escape

WIDTH = 860
FONT = 'font-family="system-ui, sans-serif" font-size="13"'
INK, FAINT = "#7a7a7a", "#7a7a7a55"
COLOURS = ["#3b6fb6", "#d9822b", "#4c9f70", "#9b5fb5", "#8c8c8c", "#c0504d", "#2aa1b3", "#b8a13a"]


def _text(x, y, text, anchor="start", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}" {FONT} {extra}>{escape(text)}</text>'


def _legend(names, y):
    parts, x = [], 150.0
    for index, name in enumerate(names):
        parts.append(f'<rect x="{x:.1f}" y="{y - 10:.1f}" width="11" height="11" fill="{COLOURS[index]}"/>')
        parts.append(_text(x + 16, y, name))
        x += 30 + 7.4 * len(name)
    return parts


def _page(height, title, parts):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}">\n' + "\n".join(parts) + "\n</svg>\n"
    )


def stacked_bars(title, series, rows, value_text):
    """rows: (label, [value per series]); a bar's length is its sum. value_text formats a sum."""
    longest = max(sum(values) for _, values in rows)
    left, right, step = 210, 110, 30
    parts = [_text(left, 20, title, extra='font-weight="bold"')] + _legend(series, 44)
    for row, (label, values) in enumerate(rows):
        y, x = 62 + step * row, float(left)
        parts.append(_text(left - 10, y + 15, label, "end"))
        for index, value in enumerate(values):
            width = (WIDTH - left - right) * value / longest
            if width > 0:
                parts.append(f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="20" fill="{COLOURS[index]}"/>')
            x += width
        parts.append(_text(x + 8, y + 15, value_text(sum(values))))
    return _page(62 + step * len(rows) + 10, title, parts)


def range_bars(title, groups, value_text):
    """groups: (heading, [(label, value, low, high)]), each group to the scale of its largest high; a line per bar
    from low to high."""
    left, right, step = 210, 110, 30
    parts, y = [_text(left, 20, title, extra='font-weight="bold"')], 52
    for heading, entries in groups:
        parts.append(_text(left, y, heading))
        scale = (WIDTH - left - right) / max(high for _, _, _, high in entries)
        for index, (label, value, low, high) in enumerate(entries):
            y += step
            parts.append(_text(left - 10, y, label, "end"))
            parts.append(
                f'<rect x="{left}" y="{y - 15}" width="{value * scale:.2f}" height="20" fill="{COLOURS[index]}"/>'
            )
            ends = [left + end * scale for end in (low, high)]
            parts.append(
                f'<path d="M{ends[0]:.1f} {y - 5}H{ends[1]:.1f}M{ends[0]:.1f} {y - 10}v10M{ends[1]:.1f} {y - 10}v10" '
                f'stroke="{INK}" fill="none"/>'
            )
            parts.append(_text(WIDTH - right + 12, y, value_text(value)))
        y += step + 14
    return _page(y - 20, title, parts)


def _ticks(low, high):
    """Powers of ten and their doubles and fives between the ends."""
    exponent, ticks = -12, []
    while 10.0**exponent <= high:
        for digit in (1, 2, 5):
            tick = digit * 10.0**exponent
            if low <= tick <= high:
                ticks.append(tick)
        exponent += 1
    return ticks


def lines(title, x_title, y_title, curves, marks=()):
    """curves: (name, [(x, y)]), both axes logarithmic, all values positive. marks: (y, text), horizontal lines."""
    import math

    xs = [x for _, points in curves for x, _ in points]
    ys = [y for _, points in curves for _, y in points] + [y for y, _ in marks]
    left, right, top, bottom, height = 80, 24, 66, 50, 420
    x_low, x_high, y_low, y_high = min(xs), max(xs), min(ys) / 1.15, max(ys) * 1.15

    def along(value, low, high, begin, end):
        return begin + (end - begin) * math.log(value / low) / math.log(high / low)

    def at(x, y):
        return along(x, x_low, x_high, left, WIDTH - right), along(y, y_low, y_high, height - bottom, top)

    parts = [_text(left, 20, title, extra='font-weight="bold"')] + _legend([name for name, _ in curves], 44)
    for tick in _ticks(x_low, x_high):
        x, _ = at(tick, y_low)
        parts.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{height - bottom}" stroke="{FAINT}"/>')
        parts.append(_text(x, height - bottom + 18, f"{tick:g}", "middle"))
    for tick in _ticks(y_low, y_high):
        _, y = at(x_low, tick)
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{WIDTH - right}" y2="{y:.1f}" stroke="{FAINT}"/>')
        parts.append(_text(left - 8, y + 4, f"{tick:g}", "end"))
    for value, text in marks:
        _, y = at(x_low, value)
        parts.append(
            f'<line x1="{left}" y1="{y:.1f}" x2="{WIDTH - right}" y2="{y:.1f}" stroke="{INK}" stroke-dasharray="5 4"/>'
        )
        parts.append(_text(WIDTH - right, y - 6, text, "end"))
    for index, (_, points) in enumerate(curves):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in points))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[index]}" stroke-width="2"/>')
        for x, y in (at(*point) for point in points):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLOURS[index]}"/>')
    parts.append(_text((left + WIDTH - right) / 2, height - 10, x_title, "middle"))
    parts.append(_text(16, top - 8, y_title))
    return _page(height, title, parts)
