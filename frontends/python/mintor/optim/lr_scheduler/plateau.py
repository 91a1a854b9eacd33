# SPDX-License-Identifier: Apache-2.0
"""A schedule by what was measured: the rate falls when a metric no longer gets better.

Takes an optimizer, then a metric an epoch.
"""
import math


class ReduceLROnPlateau:
    """`factor` more when the metric has not become better for more than `patience` epochs.

    `mode`: "min" or "max", what is better; `threshold`: by how much, as a part ("rel") or a number
    ("abs"); `cooldown`: epochs that are not counted afterwards. `step(metric)` reads the metric.
    ValueError for a factor from 1 on, another mode, or another number of min_lr than groups.
    """

    # pylint: disable-next=too-many-arguments
    def __init__(self, optimizer, mode="min", factor=0.1, patience=10, threshold=1e-4,
                 threshold_mode="rel", cooldown=0, min_lr=0, eps=1e-8):
        if factor >= 1:
            raise ValueError(f"ReduceLROnPlateau: factor is {factor}, expected below 1")
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ValueError(f"ReduceLROnPlateau: mode is 'min' or 'max', not {mode!r}; "
                             f"threshold_mode 'rel' or 'abs', not {threshold_mode!r}")
        self.optimizer, self.factor, self.patience = optimizer, factor, patience
        groups = len(optimizer.param_groups)
        self.min_lrs = list(min_lr) if isinstance(min_lr, (list, tuple)) else [min_lr] * groups
        if len(self.min_lrs) != groups:
            raise ValueError(f"ReduceLROnPlateau: {len(self.min_lrs)} min_lr for {groups} groups")
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.cooldown, self.eps, self.last_epoch = cooldown, eps, 0
        self._last_lr = [group["lr"] for group in optimizer.param_groups]
        self._reset()

    def _reset(self):
        self.best = math.inf if self.mode == "min" else -math.inf
        self.cooldown_counter, self.num_bad_epochs = 0, 0

    def _is_better(self, metric):
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            limit = self.best * (1 + sign * self.threshold)
        else:
            limit = self.best + sign * self.threshold
        return metric < limit if self.mode == "min" else metric > limit

    @property
    def in_cooldown(self):
        """Whether epochs are not counted now."""
        return self.cooldown_counter > 0

    def step(self, metrics, epoch=None):
        """Takes the metric of an epoch: a number, or an array of one element, which is read."""
        metric = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(metric):
            self.best, self.num_bad_epochs = metric, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group, least in zip(self.optimizer.param_groups, self.min_lrs):
                rate = max(group["lr"] * self.factor, least)
                if group["lr"] - rate > self.eps:
                    group["lr"] = rate
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def get_last_lr(self):
        """The rates that were set last, one a group."""
        return self._last_lr

    def state_dict(self):
        """Its numbers by name."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict):
        """Takes what state_dict gave."""
        self.__dict__.update(state_dict)
