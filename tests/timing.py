"""Whether two kinds of answers can be told apart by the time they take."""
import random
import time


def auc(one, other):
    """The area under the ROC curve of the best threshold on time: 0.5 when times say nothing, 1.0 when they say all
    (Mann-Whitney's U over the number of pairs, whichever way round)."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    rank_sum, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        middle = (at + 1 + end) / 2
        rank_sum += middle * sum(1 for _, kind in ranked[at:end] if kind == 0)
        at = end
    area = (rank_sum - len(one) * (len(one) + 1) / 2) / (len(one) * len(other))
    return max(area, 1 - area)


def interleaved(ask_one, ask_other, count, seed=None):
    """Times in seconds of `count` calls of each, in random order, so that whatever else the machine does meets both."""
    order = [0] * count + [1] * count
    random.Random(seed).shuffle(order)
    times = ([], [])
    for kind in order:
        begin = time.perf_counter()
        (ask_one, ask_other)[kind](len(times[kind]))
        times[kind].append(time.perf_counter() - begin)
    return times
