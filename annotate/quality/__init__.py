"""How good labels are: everything here is computed from labels when asked for, and can be computed again.

`columns` turns a queue's labels into arrays, once; `reports` makes figures of them in a worker and keeps the newest;
`rules` are what a queue asks for: further labels, checks, reviews, what an hour costs.
"""
