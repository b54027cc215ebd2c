#!/usr/bin/env python3
"""plot.py RESULTS.json OUT.svg: processor time and peak memory of the command by rows, from what run.py measured."""
import json
import math
import pathlib
import sys

COLORS = ("#1f5fa8", "#2e8b57", "#7a3fa0")


def plot(results, path):
    """Processor seconds and peak memory of the command by rows, both axes logarithmic, beside a straight line."""
    measured = [entry for entry in results if entry["tool"] == "command"]
    series = {}
    for entry in sorted(measured, key=lambda entry: entry["rows"]):
        series.setdefault(entry["workload"].split("-")[0], []).append((entry["rows"], entry["cpu_s"], entry["peak_mib"]))
    # The published statements are where every series begins.
    first = series.pop("statements", [])
    series = {name: first + rest for name, rest in series.items()}
    points = sorted({point for rest in series.values() for point in rest})
    if len(points) < 2:
        return
    width, height, margin = 640, 400, 60
    low, high = math.log10(min(p[0] for p in points)) - 0.15, math.log10(max(p[0] for p in points)) + 0.15
    bottom, top = -0.5, math.ceil(math.log10(max(max(p[1], p[2] / 10) for p in points)) * 2) / 2

    def place(rows, value):
        x = margin + (math.log10(rows) - low) / (high - low) * (width - 2 * margin)
        return x, height - margin - (math.log10(value) - bottom) / (top - bottom) * (height - 2 * margin)

    def line(values, style):
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in values)
        return f'<polyline points="{places}" fill="none" {style}/>'

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">', f'<rect width="{width}" height="{height}" fill="white"/>']
    for power in [0.1 * 10**k for k in range(1, 5)]:
        if bottom <= math.log10(power) <= top:
            y = place(points[0][0], power)[1]
            parts.append(f'<line x1="{margin}" x2="{width - margin}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/><text x="{margin - 6}" y="{y + 4:.1f}" text-anchor="end">{power:g}</text><text x="{width - margin + 6}" y="{y + 4:.1f}">{power * 10:g}</text>')
    for rows in sorted({rows for rows, _, _ in points}):
        x = place(rows, 1)[0]
        parts.append(f'<text x="{x:.1f}" y="{height - margin + 18}" text-anchor="middle">{rows:,}</text>')
    first = points[0]
    ends = sorted({rows for rows, _, _ in points})
    parts.append(line([place(rows, first[1] * rows / first[0]) for rows in ends], 'stroke="#999" stroke-dasharray="4 4"'))
    drawn = [(1, name, color, f"CPU seconds, {name} (left)") for name, color in zip(series, COLORS)]
    drawn.append((2, max(series, key=lambda name: len(series[name])), "#b3541e", "peak MiB (right)"))
    for number, (index, name, color, label) in enumerate(drawn, start=1):
        rest = series[name]
        values = [place(point[0], point[index] / (10 if index == 2 else 1)) for point in rest]
        parts.append(line(values, f'stroke="{color}" stroke-width="2"'))
        # Each line has its figures on a side of its own where two come close.
        below = 18 if number == 2 else -8
        for (x, y), point in zip(values, rest):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{color}"/><text x="{x:.1f}" y="{y + below:.1f}" text-anchor="middle" fill="{color}">{point[index]:g}</text>')
        parts.append(f'<text x="{margin + 10}" y="{30 + 16 * number}" fill="{color}">{label}</text>')
    parts.append(f'<text x="{margin + 10}" y="{30}" fill="#666">evalwright dedup, character 4-grams, by rows (dashed: linear)</text></svg>')
    path.write_text("\n".join(parts) + "\n")


plot(json.loads(pathlib.Path(sys.argv[1]).read_text()), pathlib.Path(sys.argv[2]))
