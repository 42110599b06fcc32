"""Is it learnable: what a small preference model makes of a release's preferences, and which labels it doubts.

`reading` takes pairs from the files as they were handed over; `making` is the report; `telling` says it in words and
charts; `doubts` finds the labels again and sends them to review. The maths is in `rankings.scoring`.
"""
