# SPDX-License-Identifier: Apache-2.0
"""Connectionist temporal classification (Graves et al. 2006), as torch.nn.functional.ctc_loss.

Takes log-probabilities and label sequences; gives losses. Keeps true: the recursion over time is a
loop of the compiled program; its gradient is that of the loop.
"""
import numpy

from mintor import arrays
from mintor import control_flow
from mintor import functions

_NEVER = -1e30      # the logarithm of 0, with which differences stay numbers


def _lengths(given, count):
    given = arrays.as_array(given)
    return functions.reshape(arrays.cast(given, "int64"), (count,))


def _padded(targets, lengths):
    """Targets one behind the other as rows; reads the lengths."""
    sizes = lengths.numpy()
    starts = numpy.concatenate([[0], numpy.cumsum(sizes)[:-1]])
    places = starts[:, None] + numpy.arange(max(1, sizes.max()))
    places = numpy.minimum(places, max(0, int(sizes.sum()) - 1))
    return functions.take(targets, arrays.array(places), 0)


def _states(targets, blank):
    """Labels with blanks between and around them, [N, 2 S + 1]; where one may skip a blank."""
    count, length = targets.shape
    blanks = arrays.full_like(targets, blank)
    pairs = functions.reshape(functions.stack([blanks, targets], 2), (count, 2 * length))
    states = functions.concat([pairs, blanks[:, :1]], 1)
    before = functions.concat([arrays.full((count, 2), blank, "int64"), states[:, :-2]], 1)
    return states, functions.logical_and(functions.not_equal(states, blank),
                                         functions.not_equal(states, before))


def _shifted(x, by):
    """Each state's value is that of the state `by` before."""
    never = arrays.full((x.shape[0], by), _NEVER, x.dtype)
    return functions.concat([never, x[:, :-by]], 1)


def _sum_of(values):
    return functions.logsumexp(functions.stack(values, 0), 0)


def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean",
             zero_infinity=False):
    """-log of the probability of label sequences, over all ways to align them with time.

    `log_probs`: [T, N, C], or [T, C] of one sequence. `targets`: int [N, S], padded, or one behind
    the other in one dimension (which reads the lengths); no blanks. `input_lengths`,
    `target_lengths`: int [N]. The mean divides each loss by its target's length first. A target
    that is too long for its input gives infinity, or with zero_infinity 0, without gradient.
    ValueError where shapes do not fit, or for another reduction.
    """
    log_probs, targets = arrays.as_array(log_probs), arrays.cast(arrays.as_array(targets), "int64")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"ctc_loss: reduction is 'none', 'mean' or 'sum', not {reduction!r}")
    is_batched = log_probs.ndim == 3
    if not is_batched:
        log_probs = functions.unsqueeze(log_probs, 1)
        targets = targets if targets.ndim == 2 else functions.unsqueeze(targets, 0)
    if log_probs.ndim != 3 or not 0 <= blank < log_probs.shape[2]:
        raise ValueError(f"ctc_loss: log_probs of shape {log_probs.shape} with the blank {blank}")
    steps, count = log_probs.shape[:2]
    inputs, lengths = _lengths(input_lengths, count), _lengths(target_lengths, count)
    if targets.ndim == 1:
        targets = _padded(targets, lengths)
    if targets.shape[0] != count:
        raise ValueError(f"ctc_loss: targets of shape {targets.shape} for {count} sequences")
    states, may_skip = _states(targets, blank)
    emitted = functions.take_along_axis(log_probs, functions.unsqueeze(states, 0), 2)
    place = arrays.arange(states.shape[1])
    first = functions.where(place < 2, emitted[0], _NEVER)

    def step(alpha, now):
        time, emission = now
        skipped = functions.where(may_skip, _shifted(alpha, 2), _NEVER)
        after = _sum_of([alpha, _shifted(alpha, 1), skipped]) + emission
        is_over = functions.reshape(time >= inputs, (-1, 1))
        return functions.where(is_over, alpha, after), time
    last = first
    if steps > 1:
        last, _ = control_flow.scan(step, first, (arrays.arange(1, steps), emitted[1:]))
    ends = functions.reshape(2 * lengths, (-1, 1))
    at_blank = functions.take_along_axis(last, ends, 1)
    at_label = functions.take_along_axis(last, functions.maximum(ends - 1, 0), 1)
    at_label = functions.where(ends > 0, at_label, _NEVER)
    losses = -functions.reshape(_sum_of([at_blank, at_label]), (-1,))
    is_never = losses > -_NEVER / 2
    losses = functions.where(is_never, 0.0 if zero_infinity else float("inf"), losses)
    if reduction == "mean":
        divisors = arrays.cast(functions.maximum(lengths, 1), losses.dtype)
        return functions.mean(losses / divisors)
    if reduction == "sum":
        return functions.sum(losses)
    return losses if is_batched else losses[0]


__all__ = ["ctc_loss"]
