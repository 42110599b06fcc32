"""Charts as SVG, drawn on the server: no script, no inline style, light and dark from the page's own colours.

Each gives safe markup of one `<figure>`: the drawing, hidden from screen readers, and the same figures as a table, with
links to what is behind each. Texts are escaped. Nothing has a width of its own: places are percentages, letters are
the page's, so a chart fits a phone without shrinking. In `dots` and `bars` the drawing is a column of the table.
"""

from annotate.charts.grid import matrix
from annotate.charts.plane import lines, steps
from annotate.charts.points import Point, Series
from annotate.charts.rows import bars, dots

__all__ = ["Point", "Series", "bars", "dots", "lines", "matrix", "steps"]
