# SPDX-License-Identifier: Apache-2.0
"""What schedules share: counting, first values, state.

Takes an optimizer and the number of the last epoch, -1 before the first; making a schedule sets the
learning rates of epoch 0. Keeps true: `initial_lr` of a group is what its schedules start from.
"""


class LRScheduler:
    """Base of schedules; a subclass defines `get_lr`, the rates of epoch `last_epoch`, one a group.
    KeyError where it goes on and a group has no initial_lr.
    """

    def __init__(self, optimizer, last_epoch=-1):
        self.optimizer, self.last_epoch = optimizer, last_epoch
        for place, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(f"group {place} has no 'initial_lr', which a schedule that goes on "
                               f"at epoch {last_epoch} starts from")
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.step()

    def get_lr(self):
        """The rates of the groups for the epoch that begins."""
        raise NotImplementedError(f"{type(self).__name__} defines no get_lr")

    def at(self):
        """The rates of epoch last_epoch, whatever the groups have now."""
        return self.get_lr()

    def get_last_lr(self):
        """The rates that were set last, one a group."""
        return self._last_lr

    def step(self, epoch=None):
        """The rates of the next epoch, or of that one."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._write(self.get_lr() if epoch is None else self.at())

    def _write(self, rates):
        for group, rate in zip(self.optimizer.param_groups, rates):
            group["lr"] = rate
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self):
        """All that is no optimizer and no function."""
        return {name: value for name, value in self.__dict__.items()
                if name != "optimizer" and not callable(value)}

    def load_state_dict(self, state_dict):
        """Takes what state_dict gave."""
        self.__dict__.update(state_dict)
