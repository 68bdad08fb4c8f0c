"""Point-level detection of starts, word by word as in protocol section 5: one start, one rank at a time."""


def average_precision(truth, starts, offset, label, protocol, unclear=None):
    """Return p-AP of one label.

    `truth`: (recording, label, start, end) each; `starts`: the same and a score; `unclear`: the label that is ambiguous.
    """
    wanted = [one for one in truth if one[1] == label]
    ranked = sorted((one for one in starts if one[1] == label), key=lambda one: (-one[4], one[0], one[2], one[3]))
    taken, flags = set(), []
    for recording, _, start, end, _ in ranked:
        near = [
            (round(abs(start - begin), 9), begin, stop, place)
            for place, (where, _, begin, stop) in enumerate(wanted)
            if where == recording and place not in taken and round(abs(start - begin), 9) <= offset
        ]
        if near:
            taken.add(min(near)[3])
            flags.append(True)
        elif protocol != "thumos14" or not any(
            where == recording and name == unclear and min(end, stop) > max(start, begin)
            for where, name, begin, stop in truth
        ):
            flags.append(False)
    precisions = [sum(flags[: rank + 1]) / (rank + 1) for rank, flag in enumerate(flags) if flag]
    if protocol != "thumos14":
        precisions = [max(precisions[place:]) for place in range(len(precisions))]
    return sum(precisions) / len(wanted)
