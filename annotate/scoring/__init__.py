"""The maths of agreement and of checks, in plain Python, numpy and scipy: no Django, no database.

`intervals` (Wilson, bootstrap over tasks), `agreement` (percent, alpha, kappa, tau-b), `dawid_skene` (annotators'
reliability learned with the answers), `sequential` (pausing whoever answers by chance, with stated error rates).
What is of comparisons alone is in `rankings.scoring`.
"""
