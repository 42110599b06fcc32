"""Variances that hold though what is said of one prompt is not independent: the cluster-robust sandwich."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.special import stdtrit

from annotate.scoring.intervals import Floats, Ints


def sandwich(bread: Floats, row: Ints, column: Ints, score: Floats) -> Floats:
    """Covariance of estimates whose likelihood is summed from clusters: (parameters, parameters).

    `bread`: the inverse of the observed information, (parameters, parameters). `row`, `column`, `score`: what the
    derivative of the log-likelihood has from each cluster (row) for each parameter (column); those of one cell add up.

    V = G / (G - 1) * bread (sum over clusters g of u_g u_g') bread, with u_g the summed scores of cluster g and
    G their number: Liang & Zeger 1986; Cameron & Miller, "A Practitioner's Guide to Cluster-Robust Inference", 2015,
    section II.B, equations 11 and 12 (the correction for few clusters).
    """
    if not len(row):
        return np.zeros_like(bread)
    sums = sparse.csr_array((score, (row, column)), shape=(int(row.max()) + 1, len(bread)))
    meat = np.asarray((sums.T @ sums).todense())
    many = clusters(row)
    return bread @ meat @ bread * (many / max(many - 1, 1))


def clusters(row: Ints) -> int:
    """How many different ones there are."""
    return int(np.count_nonzero(np.bincount(row))) if len(row) else 0


def reach(many: int, confidence: float = 0.95) -> float:
    """Standard errors to either side of an estimate from so many clusters: Student's t, as Cameron & Miller advise."""
    return float(stdtrit(max(many - 1, 1), (1 + confidence) / 2))


def logistic(x: ArrayLike) -> NDArray[np.float64]:
    """1 / (1 + exp(-x)), for any x."""
    half: Floats = 0.5 * (1 + np.tanh(np.asarray(x) / 2))
    return half
