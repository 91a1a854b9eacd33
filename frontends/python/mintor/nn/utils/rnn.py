# SPDX-License-Identifier: Apache-2.0
"""Sequences of several lengths in one array, under PyTorch's names.

Takes arrays of steps; gives padded ones with their lengths. Keeps true: rows stay in their order; a
recurrent layer takes the lengths as numbers of the run, so that other ones compile nothing.
"""
import numpy

from mintor import arrays
from mintor import functions


class PackedSequence:
    """padded[time, batch, ..] and lengths[batch] (int64): what a recurrent layer takes whose rows
    have their own numbers of steps.
    """

    def __init__(self, padded, lengths):
        self.padded, self.lengths = padded, lengths


def pad_sequence(sequences, batch_first=False, padding_value=0.0):
    """Arrays [length, ..] as one, [longest, count, ..] or batch first."""
    sequences = [arrays.as_array(one) for one in sequences]
    longest = max(one.shape[0] for one in sequences)
    padded = [functions.pad(one, [(0, longest - one.shape[0])] + [(0, 0)] * (one.ndim - 1),
                            constant_values=padding_value) for one in sequences]
    return functions.stack(padded, 0 if batch_first else 1)


def pack_padded_sequence(input, lengths, batch_first=False,  # pylint: disable=redefined-builtin
                         enforce_sorted=True):
    """input[time, batch, ..], or batch first, with the number of steps of each row.

    ValueError for lengths that do not fit, or with enforce_sorted do not fall.
    """
    x = arrays.as_array(input)
    x = functions.swapaxes(x, 0, 1) if batch_first else x
    known = numpy.asarray(arrays.as_array(lengths).numpy()).astype("int64")
    if known.shape != x.shape[1:2] or known.min() < 1 or known.max() > x.shape[0]:
        raise ValueError(f"pack_padded_sequence: lengths {known.tolist()} for {x.shape[1]} "
                         f"sequences of at most {x.shape[0]} steps")
    if enforce_sorted and (numpy.diff(known) > 0).any():
        raise ValueError(f"pack_padded_sequence: lengths {known.tolist()} do not fall; "
                         "enforce_sorted=False takes any")
    return PackedSequence(x[:int(known.max())], arrays.array(known))


def pack_sequence(sequences, enforce_sorted=True):
    """Arrays [length, ..] as one packed sequence."""
    return pack_padded_sequence(pad_sequence(sequences), [len(one) for one in sequences],
                                enforce_sorted=enforce_sorted)


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """What was packed, [time, batch, ..] or batch first, and the lengths. ValueError for a
    total_length that is too short.
    """
    x, lengths = sequence.padded, sequence.lengths
    if total_length is not None:
        if total_length < x.shape[0]:
            raise ValueError(f"pad_packed_sequence: total_length {total_length} is below "
                             f"{x.shape[0]} steps")
        x = functions.pad(x, [(0, total_length - x.shape[0])] + [(0, 0)] * (x.ndim - 1))
    steps = functions.reshape(arrays.arange(x.shape[0]), (-1, 1))
    inside = functions.reshape(steps < lengths, x.shape[:2] + (1,) * (x.ndim - 2))
    x = functions.where(inside, x, padding_value)
    return functions.swapaxes(x, 0, 1) if batch_first else x, lengths
