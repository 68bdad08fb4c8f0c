"""Models of somebody's own: one that keeps the rules, and others that break one each."""

import torch
from torch import nn

from crescendo.trainables import DetectionModel, ModelSpec


class Convolution(DetectionModel):
    """A causal convolution over the last frames."""

    spec = ModelSpec(state=("past",), unused=frozenset({"layers", "backbone", "weights"}))
    frames = 4

    def __init__(self, feature_dim, labels, config):
        super().__init__(feature_dim, labels, config)
        self.convolution = nn.Conv1d(self.width, config.hidden_size, self.frames)
        self.linear = nn.Linear(config.hidden_size, labels)

    def initial_state(self, batch):
        return (self.mean.new_zeros(self.frames - 1, batch, self.width),)

    def forward(self, features, truncate=None):
        inputs = nn.functional.pad(self.dropout(self.embed(features)), (0, 0, self.frames - 1, 0))
        hidden = self.convolution(inputs.transpose(1, 2)).relu().transpose(1, 2)
        return self.linear(self.dropout(hidden))

    def step_function(self, features):
        inputs = self.embed(features).transpose(0, 1)

        def step(t, state):
            window = torch.cat((state[0], inputs[t : t + 1]))
            hidden = self.convolution(window.permute(1, 2, 0)).squeeze(-1).relu()
            return self.linear(hidden), (window[1:],)

        return step


class Stateless(DetectionModel):
    def __init__(self, feature_dim, labels, config):
        super().__init__(feature_dim, labels, config)
        self.linear = nn.Linear(self.width, labels)

    def forward(self, features, truncate=None):
        return self.linear(self.dropout(self.embed(features)))

    def step_function(self, features):
        logits = self.linear(self.embed(features))
        return lambda t, state: (logits[:, t], state)


class TimeFirst(Stateless):
    def forward(self, features, truncate=None):
        return super().forward(features).transpose(0, 1)


class OtherStep(Stateless):
    def step_function(self, features):
        step = super().step_function(features)
        return lambda t, state: (2 * step(t, state)[0], state)


class SeesAhead(Stateless):
    def forward(self, features, truncate=None):
        return super().forward(features - features.mean(1, keepdim=True))


class Detached(Stateless):
    def forward(self, features, truncate=None):
        return super().forward(features).detach()


class NotFinite(Stateless):
    def forward(self, features, truncate=None):
        return super().forward(features) / 0


class Raises(Stateless):
    def forward(self, features, truncate=None):
        raise RuntimeError("no such thing\nat all")


class CannotBeBuilt(Stateless):
    def __init__(self, feature_dim, labels, config):
        super().__init__(feature_dim, labels, config)
        self.linear = nn.Linear(config.no_such_setting, labels)


class NoState(Convolution):
    def initial_state(self, batch):
        return ()


class FlatState(Convolution):
    def initial_state(self, batch):
        return (torch.zeros(batch, self.width),)


class GrowingState(Convolution):
    def step_function(self, features):
        step = super().step_function(features)

        def grows(t, state):
            logits, (after,) = step(t, (state[0][-(self.frames - 1) :],))
            return logits, (torch.cat((after, after)),)

        return grows


class DependsOnDropout(Stateless):
    def __init__(self, feature_dim, labels, config):
        super().__init__(feature_dim, labels, config)
        self.rates = nn.Parameter(torch.zeros(round(100 * config.dropout)))


class OneFrameAtATime(Convolution):
    """Right where all frames are prepared together, wrong live."""

    def step_function(self, features):
        return super().step_function(features - features[:, :1] + features[:, -1:])


class NoStep(Stateless):
    step_function = DetectionModel.step_function


def a_function():
    return None


class Shown(DetectionModel):
    """Defines no forward of its own."""

    spec = ModelSpec(represents=True)

    def __init__(self, feature_dim, labels, config):
        super().__init__(feature_dim, labels, config)
        self.linear = torch.nn.Linear(self.width, labels)

    @property
    def hidden_width(self):
        return self.width

    def represent(self, features, truncate=None):
        return self.dropout(self.embed(features)).tanh()

    def classify(self, hidden):
        return self.linear(hidden)

    def step_function(self, features):
        logits = self.linear(self.embed(features).tanh())
        return lambda t, state: (logits[:, t], state)
