"""The maths of comparisons, in numpy and scipy: no Django, no database.

Strengths are natural logarithms: of two items `exp(a - b)` is the odds of the one against the other among comparisons
that are decided. They are centred at 0 within each *group*, the items that are connected by comparisons: two groups
that never met have no common scale. Clusters are prompts: what is said of one prompt is not independent.

    comparisons     Comparisons.of(items, winner, loser, tie=None, weight=None, cluster=None); items are 0..items-1
                    groups(comparisons) -> group of each item, (items,)
                    win_rates(comparisons) -> Rates(rate, low, high, decided, prompts), each (items, items), NaN-free
    bradley_terry   fit(comparisons, ties="davidson" | "half", prior=0.5) -> Fit, intervals by clusters' sandwich
                    Fit: strength, low, high (-inf / inf where open: undefeated, unbeaten, never met), error,
                    spread, group, count; fit.chances() P(row beats column, a tie half), fit.separable(),
                    fit.places() -> (best, worst) rank each item may have, within its group; elo(strengths)
    plackett_luce   Rankings.of(items, ranking, item, place, cluster); Rankings.of_comparisons(items, label, winner,
                    loser, tie, item_of, cluster) from all comparisons of labels; fit(rankings, prior=0.5) -> Fit
    styled          fit(comparisons, features: name -> values) -> Styled(fit, effects: name -> Estimate, deviations);
                    difference(first, second) = (a - b) / (a + b); shown_first(winner_place, loser_place)
    positions       first_wins(...), longer_wins(...), share(hits, cluster) -> Estimate
    within          one prompt's few votes: consensus(rankings, weights=None) -> Agreed(places, strength, chance,
                    certainty); fit_each(wins: (prompts, k, k)) -> Small, for many prompts at once
    raters          fit(comparisons, rater, first, raters) -> Raters(strength, error, reliability, low, high, first):
                    reliability of each rater and how they take the first shown, learned with the strengths
    robust          sandwich(...), what all intervals rest on; logistic(x)
    text_features   seen(prompt, response): what a model sees; matrix(responses) -> (responses, features), sparse
    preference_model Pairs; fit(responses, pairs, penalty) -> weights, Bradley-Terry's loss; chances(...) of `chosen`
    learning_curve  held_out(responses, pairs) -> HeldOut, by prompt and size; Resampled: figures with intervals;
                    next_doubling(sizes), agreed(right, votes), ceiling(agreement, raters), calibration(chance, prompt)
    information     gain(fit, tasks: (tasks, k) items, -1 for none) -> what asking each would tell;
                    order(fit, tasks, wanted) -> the `wanted` tasks to ask next, the best first
"""
