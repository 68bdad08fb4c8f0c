"""Tries a model of the user's own on random frames: does it do what training and detection rely on?"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from crescendo.trainables.config import TrainingConfig, configuration
from crescendo.trainables.errors import InputError
from crescendo.trainables.models.base import DetectionModel, State
from crescendo.trainables.models.build import build_model
from crescendo.trainables.models.registry import MODELS
from crescendo.trainables.registry import blame

ARCHITECTURE = ("model", "hidden_size", "layers", "fc7_size")
"""Settings that a model folder keeps; with the numbers of features and labels they determine the shape of every weight."""

_BATCH, _FRAMES, _SEEN, _TRUNCATE = 3, 8, 5, 3
_TOLERANCE = 1e-4


@functools.cache
def problem_of(name: str) -> str | None:
    """Return what is wrong with a model of the user's own, built with the default settings; None if nothing is.

    Of a model for pixels it is only checked that there is such a class.
    """
    try:
        if not MODELS.resolve(name).pixels:
            config = configuration({"model": name})
            with torch.random.fork_rng(devices=[]):
                check_model(build_model(6, 4, config), 6, config)
    except InputError as error:
        return str(error).removeprefix(f"{MODELS.key}: ")
    return None


def check_model(model: DetectionModel, feature_dim: int, config: TrainingConfig) -> None:
    """Raise `InputError`, naming the broken rule, unless `model`, built with `config`, behaves as a `DetectionModel` must.

    Checked are the shapes, causality, that gradients flow, that `step_function` computes what `forward` does, and that a
    model folder keeps enough to build the model again. The weights and torch's random state stay as they are.
    """
    training = model.training
    try:
        with torch.random.fork_rng(devices=[]):
            _check(model.eval(), feature_dim)
            _check_folder(model, feature_dim, config)
    except InputError:
        raise
    except _BrokenRule as error:
        raise InputError(f"{MODELS.key}: {config.model}: {error}") from error
    except Exception as error:  # whatever somebody's own model raises
        raise InputError(f"{MODELS.key}: {config.model}: failed on a small batch ({blame(error)})") from error
    finally:
        model.train(training)


class _BrokenRule(Exception):
    pass


def _check(model: DetectionModel, feature_dim: int) -> None:
    features = torch.randn(_BATCH, _FRAMES, feature_dim, generator=torch.Generator().manual_seed(0))
    logits = model(features, truncate=_TRUNCATE)
    _check_shape("forward", "(batch, time, labels)", logits, (_BATCH, _FRAMES, model.label_count))
    if not logits.requires_grad:
        raise _BrokenRule("the logits of its forward have no gradient, so nothing would be learned")
    with torch.no_grad():
        if model.spec.represents:
            hidden, shape = model.represent(features, truncate=_TRUNCATE), (_BATCH, _FRAMES, model.hidden_width)
            _check_shape("represent", "(batch, time, hidden_width)", hidden, shape, "a tensor")
            _alike(model.classify(hidden), logits, "classify of represent gives other logits than forward")
        _alike(model(features), logits, "forward with truncate gives other values than without")
        other = features.clone()
        other[:, _SEEN:] += 1
        seen = model(other, truncate=_TRUNCATE)[:, :_SEEN]
        _alike(seen, logits[:, :_SEEN], "logits of a frame depend on later frames")
        _alike(_stepwise(model, features, together=True), logits, "step_function gives other logits than forward")
        _alike(
            _stepwise(model, features, together=False), logits, "step_function, frame by frame, differs from forward"
        )


def _stepwise(model: DetectionModel, features: Tensor, *, together: bool) -> Tensor:
    """Return the logits of stepping through `features`, passed to `step_function` at once, or frame by frame as when live."""
    state = model.initial_state(_BATCH)
    _check_state("initial_state", model, state)
    sizes, rows = [one.shape for one in state], []
    step = model.step_function(features)
    for t in range(_FRAMES):
        logits, state = step(t, state) if together else model.step_function(features[:, t : t + 1])(0, state)
        _check_shape("step_function's step", "(batch, labels)", logits, (_BATCH, model.label_count))
        _check_state("step_function's step", model, state)
        if [one.shape for one in state] != sizes:
            raise _BrokenRule("step_function's step returns a state of other shapes than initial_state")
        rows.append(logits)
    for reset in model.spec.resets:
        _check_state("reset", model, model.reset(state, rows[-1], reset))  # type: ignore[arg-type]
    return torch.stack(rows, 1)


def _check_shape(method: str, what: str, found: Any, expected: tuple[int, ...], numbers: str = "logits") -> None:
    if not isinstance(found, Tensor) or tuple(found.shape) != expected:
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise _BrokenRule(f"{method} must return {numbers} {what} = {expected} but returned {shape}")
    if not found.isfinite().all():
        raise _BrokenRule(f"{method} returns {numbers} that are not finite")


def _check_state(method: str, model: DetectionModel, state: State) -> None:
    names = model.spec.state
    if not isinstance(state, tuple) or len(state) != len(names):
        raise _BrokenRule(f"{method} must return a tuple of the tensors in spec.state ({', '.join(names) or 'none'})")
    for name, one in zip(names, state, strict=True):
        if one.dim() != 3 or one.shape[1] != _BATCH:
            raise _BrokenRule(f"{method}: {name} must be (any, batch, any) but has shape {tuple(one.shape)}")


def _alike(found: Tensor, expected: Tensor, otherwise: str) -> None:
    difference = float((found - expected).abs().max())
    if not difference <= _TOLERANCE:
        raise _BrokenRule(f"{otherwise} (by {difference:.2g})")


def _check_folder(model: DetectionModel, feature_dim: int, config: TrainingConfig) -> None:
    kept = TrainingConfig.model_validate({key: getattr(config, key) for key in ARCHITECTURE})
    again = build_model(feature_dim, model.label_count, kept).state_dict()
    shapes, others = ({name: one.shape for name, one in weights.items()} for weights in (model.state_dict(), again))
    if shapes != others:
        wrong = min(name for name in shapes.keys() | others.keys() if shapes.get(name) != others.get(name))
        raise _BrokenRule(f"the shape of {wrong} depends on a setting other than {', '.join(ARCHITECTURE[1:])}")
