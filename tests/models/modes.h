// SPDX-License-Identifier: Apache-2.0
// The floating-point modes of the calling thread, for drive.c and, through ctypes, for jit_run.py.
// Takes and gives: see below. Keeps true: modes are only added, a call with zeros only reads.
#ifndef MODES_H
#define MODES_H

// Adds flush-to-zero (inputs and results) and rounding towards minus infinity, those that are
// asked for; gives the modes now in force, without the sticky exception flags.
unsigned long long modes_set(int flush_to_zero, int round_down);

#endif
