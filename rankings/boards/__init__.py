"""Which model is better: strengths of models from what annotators said of their responses.

`meetings` gathers the comparisons of one or several queues, `strengths` makes a board of them, `making` the report,
`telling` says what the figures mean, and `asking` which open tasks would tell most.
"""
