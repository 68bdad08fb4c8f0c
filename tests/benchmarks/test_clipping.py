"""The table of clipped steps, and which trainings it is of."""

from clipping import page, rows


def test_each_loss_has_a_line_for_each_weight_with_both_limits_side_by_side():
    found = []
    for place, row in enumerate(rows()):
        for scaled in (False, True) if "lambda_r" in row else (False,):
            clipped, reached = (0.1, 0.85) if scaled else (0.5 + place / 100, 0.8)
            found.append(
                {**row, "clip_scaling": scaled, "clipped": [clipped, clipped], "mAP": [reached, reached - 0.01]}
            )
    head, _, *lines = page(found).splitlines()
    assert len({line.count("|") for line in (head, *lines)}) == 1
    assert lines[0] == "| none |  | 50 % |  | 79.5 % |  |"
    assert lines[1] == "| score | 6 | 51 % | 10 % | 79.5 % | 84.5 % |"
    assert [line.split("|")[1].strip() for line in lines] == [
        "none",
        *(2 * ["score"]),
        *(2 * ["margin"]),
        *(2 * ["combined"]),
    ]
    assert [line.split("|")[2].strip() for line in lines[1:]] == ["6", "30"] * 3
