# SPDX-License-Identifier: Apache-2.0
"""Schedules made of schedules: one after another, or all at once.

Takes schedules of one optimizer; steps them.
"""
import bisect

from mintor.optim.lr_scheduler.scheduler import LRScheduler


class _Combined(LRScheduler):
    """What both share: one optimizer for all."""

    def _take(self, optimizer, schedulers):
        schedulers = list(schedulers)
        if not schedulers:
            raise ValueError(f"{type(self).__name__}: takes at least one schedule")
        optimizer = schedulers[0].optimizer if optimizer is None else optimizer
        for place, one in enumerate(schedulers):
            if one.optimizer is not optimizer:
                raise ValueError(f"{type(self).__name__}: schedule {place} has another optimizer")
        self.optimizer, self._schedulers = optimizer, schedulers

    def state_dict(self):
        return {**{name: value for name, value in super().state_dict().items()
                   if name != "_schedulers"},
                "_schedulers": [one.state_dict() for one in self._schedulers]}

    def load_state_dict(self, state_dict):
        for one, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            one.load_state_dict(state)
        super().load_state_dict({name: value for name, value in state_dict.items()
                                 if name != "_schedulers"})


class SequentialLR(_Combined):
    """Schedules one after another; the next one starts at each of the milestones. ValueError for
    another number of milestones.
    """

    def __init__(self, optimizer, schedulers, milestones, last_epoch=-1):
        self._take(optimizer, schedulers)
        if len(milestones) != len(self._schedulers) - 1:
            raise ValueError(f"SequentialLR: {len(self._schedulers)} schedules need "
                             f"{len(self._schedulers) - 1} milestones, got {len(milestones)}")
        self._milestones, self.last_epoch = list(milestones), last_epoch + 1
        # Making each schedule has set rates of its own: only the first one's count.
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        for one in self._schedulers:
            one.last_epoch -= 1
        self._schedulers[0].step()
        self._last_lr = self._schedulers[0].get_last_lr()

    def step(self, epoch=None):
        """The rates of the next epoch. ValueError where an epoch is given."""
        if epoch is not None:
            raise ValueError("SequentialLR: step takes no epoch")
        self.last_epoch += 1
        place = bisect.bisect_right(self._milestones, self.last_epoch)
        one = self._schedulers[place]
        if place and self._milestones[place - 1] == self.last_epoch:
            one.step(0)
        else:
            one.step()
        self._last_lr = one.get_last_lr()


class ChainedScheduler(_Combined):
    """Schedules all at once: each takes its step."""

    def __init__(self, schedulers, optimizer=None):
        self._take(optimizer, schedulers)
        self._last_lr = self._schedulers[-1].get_last_lr()

    def step(self, epoch=None):
        """A step of each."""
        for one in self._schedulers:
            one.step(epoch)
        self._last_lr = self._schedulers[-1].get_last_lr()
