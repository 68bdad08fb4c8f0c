"""Segmental measures, word by word as in protocol section 4: one frame, one segment, one cell of a table at a time."""


def segments(labels, background):
    """Return (label, first, last) of every unbroken run, without those of a label in `background`."""
    found = []
    for frame, label in enumerate(labels):
        if frame == 0 or label != labels[frame - 1]:
            found.append([label, frame, frame + 1])
        else:
            found[-1][2] = frame + 1
    return [tuple(one) for one in found if one[0] not in background]


def levenshtein(one, other):
    """Return the edit distance of two lists, by the table of all their beginnings."""
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for row in range(len(one) + 1):
        for column in range(len(other) + 1):
            if row == 0 or column == 0:
                table[row][column] = row + column
            elif one[row - 1] == other[column - 1]:
                table[row][column] = table[row - 1][column - 1]
            else:
                table[row][column] = 1 + min(table[row - 1][column], table[row][column - 1], table[row - 1][column - 1])
    return table[-1][-1]


def edit_score(truth, predicted, background):
    """Return the mean over recordings of 1 - distance / length of the longer list of segments' labels."""
    total = 0.0
    for mine, theirs in zip(truth, predicted, strict=True):
        one, other = ([label for label, _, _ in segments(labels, background)] for labels in (mine, theirs))
        longer = max(len(one), len(other))
        total += 1 - levenshtein(one, other) / longer if longer else 1.0
    return total / len(truth)


def f1(truth, predicted, overlap, background):
    """Return F1 of the segments of all recordings together, at an IoU of `overlap` or more."""
    true_positives = false_positives = false_negatives = 0
    for mine, theirs in zip(truth, predicted, strict=True):
        true = segments(mine, background)
        hit = [False] * len(true)
        for label, first, last in segments(theirs, background):
            best, where = 0.0, None
            for number, (other, begin, end) in enumerate(true):
                shared = min(last, end) - max(first, begin)
                if other == label and shared > 0 and shared / (max(last, end) - min(first, begin)) > best:
                    best, where = shared / (max(last, end) - min(first, begin)), number
            if where is not None and best >= overlap and not hit[where]:
                hit[where] = True
                true_positives += 1
            else:
                false_positives += 1
        false_negatives += hit.count(False)
    if true_positives + false_positives + false_negatives == 0:
        return 1.0
    return 2 * true_positives / (2 * true_positives + false_positives + false_negatives)


def accuracy(truth, predicted):
    """Return the share of all frames whose label is right."""
    pairs = [pair for mine, theirs in zip(truth, predicted, strict=True) for pair in zip(mine, theirs, strict=True)]
    return sum(mine == theirs for mine, theirs in pairs) / len(pairs)


def fragmentation(truth, predicted):
    """Return pieces, broken, merged and merging: of segments of activities that share a frame with one of their label."""
    pieces, merged = [], []
    for mine, theirs in zip(truth, predicted, strict=True):
        true, found = segments(mine, {0}), segments(theirs, {0})
        for these, others, counts in ((true, found, pieces), (found, true, merged)):
            for label, first, last in these:
                partners = [one for one in others if one[0] == label and min(last, one[2]) > max(first, one[1])]
                if partners:
                    counts.append(len(partners))
    if not pieces:
        return [None] * 4
    return [
        sum(pieces) / len(pieces),
        sum(count > 1 for count in pieces) / len(pieces),
        sum(merged) / len(merged),
        sum(count > 1 for count in merged) / len(merged),
    ]
