"""Detection diagnosis, word by word as in protocol section 4: one detection, one activity, one rank at a time."""


def iou(one, other):
    """Return intersection over union of two (start, end)."""
    shared = max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
    union = (one[1] - one[0]) + (other[1] - other[0]) - shared
    return shared / union if union > 0 else 0.0


def passes(value, threshold, protocol):
    """Return whether an IoU passes a threshold."""
    return value >= threshold if protocol == "activitynet" else value > threshold


def kinds(truth, detections, joined, threshold, protocol, lower=0.1):
    """Return (kind, truth it is about or None) of each detection.

    `truth`: (recording, label, start, end) each; `detections`: the same and a score; `joined`: detection -> truth that it
    found, of the true positives.
    """
    found = []
    for number, (recording, label, start, end, _) in enumerate(detections):
        if number in joined:
            found.append(("found", joined[number]))
            continue
        own, other = [], []
        for place, (where, name, begin, stop) in enumerate(truth):
            if where == recording:
                entry = (-iou((start, end), (begin, stop)), begin, stop, place)
                (own if name == label else other).append(entry)
        best_own, best_other = min(own, default=(0.0, 0, 0, None)), min(other, default=(0.0, 0, 0, None))
        if passes(-best_own[0], threshold, protocol) and -best_own[0] > 0:
            found.append(("double", None))
        elif passes(-best_other[0], threshold, protocol) and -best_other[0] > 0:
            found.append(("wrong_label", best_other[3]))
        elif passes(-best_own[0], min(lower, threshold), protocol) and -best_own[0] > 0:
            found.append(("poor_overlap", best_own[3]))
        elif passes(-best_other[0], min(lower, threshold), protocol) and -best_other[0] > 0:
            found.append(("both", None))
        else:
            found.append(("background", None))
    return found


def thirds(values):
    """Return the two edges of the thirds of `values`: the smallest of them with a third, two thirds, at or below it."""
    ranked = sorted(values)
    edges = []
    for part in (1, 2):
        at = 0
        while 3 * (at + 1) < part * len(ranked):
            at += 1
        edges.append(ranked[at])
    return edges


def third_of(value, edges):
    """Return 0, 1 or 2: an edge belongs to the lower third."""
    if value <= edges[0]:
        return 0
    return 1 if value <= edges[1] else 2


def sorted_into_thirds(truth, detections, durations, by):
    """Return the edges and the third of every truth and of every detection, by `length` or `place`."""

    def value(one):
        recording, _, start, end = one[:4]
        return round(end - start if by == "length" else (start + end) / 2 / durations[recording], 9)

    edges = thirds([value(one) for one in truth])
    return edges, [third_of(value(one), edges) for one in truth], [third_of(value(one), edges) for one in detections]


def counts(truth, found, truths, detections):
    """Return what became of the `truths` and `detections`, lists of places; `found` as `kinds` returns it."""
    hit = {place for name, place in found if name == "found"}
    near = {place for name, place in found if name in ("found", "wrong_label", "poor_overlap")}
    kept = [found[number][0] for number in detections]
    return {
        "true_positives": kept.count("found"),
        "false_positives": {
            kind: kept.count(kind) for kind in ("wrong_label", "poor_overlap", "both", "double", "background")
        },
        "activities": len(truths),
        "not_found": sum(place not in hit for place in truths),
        "missed": sum(place not in near for place in truths),
    }


def quartiles(values):
    """Return the quartiles of numbers, between neighbours in proportion."""
    ranked, cuts = sorted(values), []
    for part in (1, 2, 3):
        place = part * (len(ranked) - 1) / 4
        below = int(place)
        above = min(below + 1, len(ranked) - 1)
        cuts.append(ranked[below] + (place - below) * (ranked[above] - ranked[below]))
    return cuts


def bound_errors(truth, detections, joined):
    """Return (starts, ends): of the true positives, the quartiles of seconds too late, and of absolute ones."""
    errors = []
    for bound in (2, 3):
        late = [detections[number][bound] - truth[place][bound] for number, place in joined.items()]
        errors.append((quartiles(late), quartiles([abs(one) for one in late])) if late else None)
    return errors


def mean_ap_without(truth, detections, found, kind, protocol, truths=None, some=None):
    """Return mAP where the detections of `kind` are mended, or gone; `found` as `kinds` returns it.

    `truths`, `some`: lists of places; only these activities need not be found, only these detections change.
    """
    truths = range(len(truth)) if truths is None else truths
    some = range(len(detections)) if some is None else some
    claimed = {place for name, place in found if name == "found"}
    to_find = list(truth)
    if kind == "missed":
        near = {place for name, place in found if name in ("found", "wrong_label", "poor_overlap")}
        to_find = [one for place, one in enumerate(truth) if place in near or place not in truths]
    ranked = []
    by_score = sorted(
        range(len(detections)), key=lambda n: (-detections[n][4], detections[n][2], detections[n][3], detections[n][1])
    )
    for number in by_score:
        recording, label, start, end, score = detections[number]
        name, place = found[number]
        if name != kind or number not in some:
            ranked.append((label, -score, recording, start, end, name == "found"))
        elif kind in ("wrong_label", "poor_overlap") and place not in claimed:
            claimed.add(place)
            ranked.append((truth[place][1], -score, recording, start, end, True))
    labels = sorted({label for _, label, _, _ in to_find})
    total = 0.0
    for label in labels:
        positives = sum(one[1] == label for one in to_find)
        flags = [one[5] for one in sorted(ranked, key=lambda one: one[1:5]) if one[0] == label]
        precisions = []
        for rank, flag in enumerate(flags):
            if flag:
                precisions.append(sum(flags[: rank + 1]) / (rank + 1))
        if protocol != "thumos14":
            precisions = [max(precisions[place:]) for place in range(len(precisions))]
        total += sum(precisions) / positives
    return total / len(labels) if labels else 1.0
