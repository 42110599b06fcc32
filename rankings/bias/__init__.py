"""What sways annotators beside quality: place, length, style, haste; and whether they agree with one another.

`people` has the arithmetic, `making` the report, `telling` says what the figures mean.
"""
