# SPDX-License-Identifier: Apache-2.0
"""Schedules that go up and down: warm restarts, one cycle, many cycles.

Keeps true: the rate is a function of the epoch alone. One cycle and cycles move the momentum
(`momentum`, or the first of `betas`) against the rate.
"""
import math

from mintor.optim.lr_scheduler.scheduler import LRScheduler


def _each(optimizer, name, value):
    """`value` for each group."""
    groups = len(optimizer.param_groups)
    made = list(value) if isinstance(value, (list, tuple)) else [value] * groups
    if len(made) != groups:
        raise ValueError(f"{name}: {len(made)} values for {groups} groups")
    return made


def _write_momentum(group, value):
    if "momentum" in group:
        group["momentum"] = value
    elif "betas" in group:
        group["betas"] = (value, *group["betas"][1:])


def _check_momentum(optimizer, name):
    if not any(key in optimizer.defaults for key in ("momentum", "betas")):
        raise ValueError(f"{name}: cycle_momentum needs an optimizer with momentum or betas")


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine from the first rate to eta_min, again and again: in T_0 epochs, then T_mult
    times as many, and so on. `step(epoch)` takes fractions. ValueError where T_0 or T_mult is no
    integer of at least 1.
    """

    def __init__(self, optimizer, T_0, T_mult=1, eta_min=0.0, last_epoch=-1):
        if T_0 < 1 or T_mult < 1 or int(T_0) != T_0 or int(T_mult) != T_mult:
            raise ValueError(f"CosineAnnealingWarmRestarts: T_0 {T_0} and T_mult {T_mult} have to "
                             "be integers, at least 1")
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        length, at = self.T_0, self.last_epoch
        while at >= length:
            at, length = at - length, length * self.T_mult
        self.T_cur, self.T_i = at, length
        return [self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * at / length)) / 2
                for base in self.base_lrs]


class OneCycleLR(LRScheduler):
    """Up from max_lr / div_factor to max_lr, then down to a small part of where it began; a step a
    batch, of total_steps or epochs * steps_per_epoch. ValueError where the number of steps is not
    given or too small, for another anneal_strategy, and behind the last step.
    """

    # pylint: disable-next=too-many-arguments
    def __init__(self, optimizer, max_lr, total_steps=None, epochs=None, steps_per_epoch=None,
                 pct_start=0.3, anneal_strategy="cos", cycle_momentum=True, base_momentum=0.85,
                 max_momentum=0.95, div_factor=25.0, final_div_factor=1e4, three_phase=False,
                 last_epoch=-1):
        if total_steps is None and None in (epochs, steps_per_epoch):
            raise ValueError("OneCycleLR: takes total_steps, or epochs and steps_per_epoch")
        self.total_steps = total_steps or epochs * steps_per_epoch
        if self.total_steps < 1 or not 0 <= pct_start <= 1:
            raise ValueError(f"OneCycleLR: {self.total_steps} steps, of which the part {pct_start} "
                             "goes up")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy is 'cos' or 'linear', not "
                             f"{anneal_strategy!r}")
        self.strategy, self.cycle_momentum = anneal_strategy, cycle_momentum
        up = pct_start * self.total_steps - 1
        # (last step, where from, where to, momentum from, to)
        self.phases = [(up, "initial_lr", "max_lr", "max_momentum", "base_momentum")]
        if three_phase:
            self.phases += [
                (2 * up, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
                (self.total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum")]
        else:
            self.phases += [(self.total_steps - 1, "max_lr", "min_lr", "base_momentum",
                             "max_momentum")]
        if cycle_momentum:
            _check_momentum(optimizer, "OneCycleLR")
        if last_epoch == -1:
            for group, most, low, high in zip(
                    optimizer.param_groups, _each(optimizer, "max_lr", max_lr),
                    _each(optimizer, "base_momentum", base_momentum),
                    _each(optimizer, "max_momentum", max_momentum)):
                first = most / div_factor
                group.update(initial_lr=first, max_lr=most, min_lr=first / final_div_factor)
                if cycle_momentum:
                    group.update(base_momentum=low, max_momentum=high)
        super().__init__(optimizer, last_epoch)

    def _between(self, start, end, part):
        if self.strategy == "linear":
            return start + (end - start) * part
        return end + (start - end) / 2 * (1 + math.cos(math.pi * part))

    def get_lr(self):
        """The rates of the step that begins. ValueError behind the last one."""
        step, begin = self.last_epoch, 0.0
        if step > self.total_steps:
            raise ValueError(f"OneCycleLR: step {step} of {self.total_steps}")
        for place, (end, *names) in enumerate(self.phases):
            if step <= end or place == len(self.phases) - 1:
                break
            begin = end
        part = (step - begin) / (end - begin)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[names[0]], group[names[1]], part))
            if self.cycle_momentum:
                _write_momentum(group, self._between(group[names[2]], group[names[3]], part))
        return rates


class CyclicLR(LRScheduler):
    """Up from base_lr to max_lr in step_size_up steps and down in step_size_down, again and again.

    `mode`: triangular; triangular2 (half the height each cycle); exp_range (gamma to the power of
    the step); or scale_fn of the cycle or of the step ("iterations"). ValueError for another mode.
    """

    # pylint: disable-next=too-many-arguments
    def __init__(self, optimizer, base_lr, max_lr, step_size_up=2000, step_size_down=None,
                 mode="triangular", gamma=1.0, scale_fn=None, scale_mode="cycle",
                 cycle_momentum=True, base_momentum=0.8, max_momentum=0.9, last_epoch=-1):
        scales = {"triangular": (lambda cycle: 1.0, "cycle"),
                  "triangular2": (lambda cycle: 1 / 2.0 ** (cycle - 1), "cycle"),
                  "exp_range": (lambda step: self.gamma ** step, "iterations")}
        if scale_fn is None and mode not in scales:
            raise ValueError(f"CyclicLR: mode is {', '.join(scales)}, not {mode!r}")
        self.gamma = gamma
        self.scale_fn, self.scale_mode = scales[mode] if scale_fn is None else \
            (scale_fn, scale_mode)
        down = step_size_up if step_size_down is None else step_size_down
        self.total_size = float(step_size_up + down)
        self.step_ratio = step_size_up / self.total_size
        self.max_lrs, self.cycle_momentum = _each(optimizer, "max_lr", max_lr), cycle_momentum
        for group, base in zip(optimizer.param_groups, _each(optimizer, "base_lr", base_lr)):
            if last_epoch == -1:
                group["initial_lr"] = group["lr"] = base
        if cycle_momentum:
            _check_momentum(optimizer, "CyclicLR")
            self.base_momentums = _each(optimizer, "base_momentum", base_momentum)
            self.max_momentums = _each(optimizer, "max_momentum", max_momentum)
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        part = 1 + self.last_epoch / self.total_size - cycle
        height = part / self.step_ratio if part <= self.step_ratio else \
            (part - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(self.optimizer.param_groups, self.base_momentums,
                                        self.max_momentums):
                _write_momentum(group, high - (high - low) * height)
        return [base + (most - base) * height for base, most in zip(self.base_lrs, self.max_lrs)]
