"""What a loss beside cross entropy costs: one training step with each variant against one with `none`.

    python benchmarks/losses.py [--json FILE]

A step is forward (truncated BPTT), loss, backward, clipping and optimiser on one batch in memory, in a process that keeps
what is freed, as training does.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from yardstick import Row, compare, run_script

from crescendo.trainables.config import TrainingConfig
from crescendo.trainables.data.run_positions import RunPositions
from crescendo.trainables.losses.total_loss import total_loss
from crescendo.trainables.losses.variants import CROSS_ENTROPY, VARIANTS
from crescendo.trainables.models.build import build_model
from crescendo.trainables.training.malloc import keep_freed_memory

SEQUENCES, FRAMES = 64, 100
# How much of a step without it a loss may add. Only the ranking losses have their gradient in closed form.
RANKING, RIVALS = 1.05, 1.25
SHAPES = {
    "13 labels, 84 features, hidden 128": (13, 84, 128, 15, 25),
    "204 labels, 4096 features, hidden 512": (204, 4096, 512, 1, 11),
}


def step(labels: int, features: int, hidden: int, variant: str, times: int, device: str = "cpu") -> Callable[[], None]:
    """Return a call that takes `times` training steps."""
    torch.manual_seed(0)
    config = TrainingConfig.model_validate({"variant": variant, "hidden_size": hidden})
    model = build_model(features, labels, config).to(device).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4)
    inputs = torch.randn(SEQUENCES, FRAMES, features, device=device)
    targets = torch.randint(labels, (SEQUENCES, FRAMES // 20), device=device).repeat_interleave(20, dim=1)
    valid = torch.ones(SEQUENCES, FRAMES, dtype=torch.bool, device=device)
    told = {"positions": RunPositions(*torch.rand(2, SEQUENCES, FRAMES, device=device))}
    predicts = config.predicts_progress
    if predicts:
        model.add_progress_head()

    def run() -> None:
        for _ in range(times):
            logits, told["predicted"] = (
                model.with_progress(inputs, truncate=20) if predicts else (model(inputs, truncate=20), None)
            )
            loss = total_loss(logits, targets, valid, variant, lambda_r=config.lambda_r, **told)
            optimizer.zero_grad(set_to_none=True)
            loss.total.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()

    return run


def measure() -> list[Row]:
    """Return one row for each variant and shape."""
    keep_freed_memory()
    rows = []
    for name, (labels, features, hidden, times, rounds) in SHAPES.items():
        for variant, entry in sorted((name, entry) for name, entry in VARIANTS.items() if entry.ranks):
            sides = [step(labels, features, hidden, one, times) for one in (variant, CROSS_ENTROPY)]
            most = RANKING if entry.quantities else RIVALS
            rows.append(compare(f"training step, {variant}, {name}", *sides, at_most=most, repeats=rounds))
    return rows


if __name__ == "__main__":
    run_script(__doc__, measure)
