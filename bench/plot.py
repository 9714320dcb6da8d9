"""A bar chart as SVG."""

from collections.abc import Mapping
from pathlib import Path

import pygal

__all__ = ["draw"]


def draw(file: Path, title: str, values: Mapping[str, float]) -> None:
    chart = pygal.HorizontalBar(title=title, width=640, height=240, print_values=True, disable_xml_declaration=True)
    chart.value_formatter = lambda value: f"{value:.0f}"
    for name, value in values.items():
        chart.add(name, value)
    chart.render_to_file(str(file))
