"""Online measures, word by word: alarms by watching frame after frame, precision by walking down the ranking."""

import math
from dataclasses import dataclass, field


@dataclass
class Span:
    label: int
    start: int
    last: int
    total: float
    frames: int
    raised: int | None = None
    waiting: list = field(default_factory=list)


def stream(scores, merge_gap, thresholds, background=0):
    """Return the spans of one recording as a live detector holds them; `thresholds` by label index."""
    spans, held = [], {}
    for frame, row in enumerate(scores):
        best = min(label for label, score in enumerate(row) if score == max(row))
        for label, span in list(held.items()):
            if label != best:
                span.waiting.append(float(row[label]))
                if len(span.waiting) >= merge_gap:
                    del held[label]
        if best == background:
            continue
        if best not in held:
            held[best] = Span(best, frame, frame, 0.0, 0)
            spans.append(held[best])
        span = held[best]
        span.total += sum(span.waiting) + float(row[best])
        span.frames += len(span.waiting) + 1
        span.waiting, span.last = [], frame
        if span.raised is None and span.total / span.frames >= thresholds[best]:
            span.raised = frame
    return spans


def false_alarms(spans, segments, label):
    """Return how many of the raised spans of `label` lie over none of `segments`, (label, first, last) in frames."""
    false = 0
    for span in spans:
        if span.label == label and span.raised is not None:
            up = range(span.raised, span.last + 1)
            false += not any(of == label and first <= frame < last for frame in up for of, first, last in segments)
    return false


def seen(spans, segment):
    """Return the fraction of `segment` that has been seen when an alarm of its label is first up within it."""
    label, first, last = segment
    for frame in range(first, last):
        for span in spans:
            if span.label == label and span.raised is not None and span.raised <= frame <= span.last:
                return (frame - first + 1) / (last - first)
    return math.inf


def first_decision(spans, segments, segment):
    """Return whether the first alarm within `segment` is of its label, and the fraction that has been seen by then."""
    label, first, last = segment
    for frame in range(first, last):
        seen_now = (frame - first + 1) / (last - first)
        for span in spans:
            if span.label == label and span.raised is not None and span.raised <= frame <= span.last:
                return True, seen_now
        for span in spans:
            goes_on = any(of == span.label and begin <= frame < end for of, begin, end in segments)
            if span.raised == frame and not goes_on:
                return False, seen_now
    return False, 1.0


def average_precision(scores, positive, *, calibrated):
    """Return AP, or cAP, of one label: down the ranking, frames of one score at a time."""
    positives = sum(positive)
    negatives = len(positive) - positives
    w = negatives / positives if calibrated and negatives else 1.0
    total = true = false = 0
    for score in sorted(set(scores), reverse=True):
        hits = sum(hit for one, hit in zip(scores, positive, strict=True) if one == score)
        true += hits
        false += sum(one == score for one in scores) - hits
        total += hits * (w * true / (w * true + false))
    return total / positives
