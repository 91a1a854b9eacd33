# SPDX-License-Identifier: Apache-2.0
"""export: a module, and its training, as a package.

Takes a module with examples of what it is called with; gives a folder of C++ source, weights and
runtime. Each entry of the package is a Python function that is called once, with placeholders: what
it does is recorded, and what it gives parameters, buffers and optimizer states becomes their
update. Keeps true: afterwards module and optimizer are as they were; nothing that was recorded is
trained on the example's values.
"""
import contextlib
import inspect
import os

from mintor import _mintor
from mintor import arrays
from mintor import gradients
from mintor import model
from mintor import trees
from mintor.exporting.recording import States, mode, record
from mintor.exporting.sizes import Sizes
from mintor.exporting.training import Draws, Training, entries_of_training, step_entry


def _parameters_of(function, count, otherwise):
    """Names of a function's first arguments; of each a different one."""
    try:
        known = [one.name for one in inspect.signature(function).parameters.values()
                 if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        known = []
    return known[:count] if len(known) >= count else \
        [otherwise] if count == 1 else [f"{otherwise}{place}" for place in range(count)]


def _examples(given):
    return [arrays.as_array(one) for one in (given if isinstance(given, (tuple, list)) else
                                             [given])]


def _named(made):
    """Results by name: keys of a dictionary, y, or y0, y1, ..."""
    if isinstance(made, dict):
        return {str(name): one for name, one in made.items()}
    items = trees.items_of(made)
    return {"y": items[0]} if len(items) == 1 else {f"y{n}": one for n, one in enumerate(items)}


def _forward(module, inputs, states, sizes):
    def forward(*given):
        with gradients.no_grad():
            return _named(module(*given))
    with mode(module, False):
        return record("forward", forward, inputs, states, sizes)


def _steps(module, steps, inputs, shapes):
    """Entries of {name: (loss, examples, optimizer)}, states and sizes."""
    taken = {}
    for name, (loss, examples, _) in steps.items():
        given = _examples(examples)
        taken[name] = dict(zip(_parameters_of(loss, len(given), "x"), given))
    every = {**inputs, **{key: one for known in taken.values() for key, one in known.items()}}
    sizes, states = Sizes(shapes, every), States(module)
    with contextlib.ExitStack() as stack:
        trainings = {name: stack.enter_context(Training(optimizer, states, name))
                     for name, (_, _, optimizer) in steps.items()}
        draws = Draws(states)
        entries = [step_entry(name, module, taken[name], loss, trainings[name], draws, states,
                              sizes) for name, (loss, _, _) in steps.items()]
    return entries, states, sizes


def _training(module, inputs, loss, targets, optimizer, shapes):
    """Entries of `train=True`, states and sizes."""
    expected = _examples(targets)
    names = _parameters_of(loss, len(expected) + 1, "target")[-len(expected):]
    named = {name if name not in inputs else f"{name}_target": one
             for name, one in zip(names, expected)}
    sizes, states = Sizes(shapes, {**inputs, **named}), States(module)
    with Training(optimizer, states) as training:
        entries = entries_of_training(module, inputs, named, loss, training, states, sizes)
    return entries, states, sizes


# pylint: disable-next=too-many-arguments
def export(module, example_inputs, directory, train=False, *, loss=None, targets=None,
           optimizer=None, steps=None, shapes=None, target="", **options):
    """Writes the module as a package: `forward`, as it is in evaluation; with `train` its training.

    `example_inputs`: an array, or a tuple of what the module is called with; dtypes, and shapes
    where `shapes` says nothing else, are the package's: {input: sizes}, a size being a number, a
    name, or a range (1, 32), as for compile. With `train=True`: `targets`, examples of what
    `loss(prediction, *targets)` takes beside, and an `optimizer` of the module's parameters.
    Entries then: `forward`; `train_step` (inputs, targets and the rate `lr` to the loss, one
    update); `grads` (adds gradients up, gives the loss) and `apply` (takes `lr`, uses and clears
    what was added up). Parameters, buffers, optimizer states (`optimizer.*`) and gradients
    (`grad.*`) are the package's states by name, and start as they are now.

    Several losses and optimizers (a GAN's) are `steps`: {name: (loss, examples, optimizer)} gives,
    beside `forward`, an entry of each name. It takes what `loss(*examples)` takes, and `lr`; gives
    the loss; is one update of this optimizer's parameters, whose states are `name.*`. Such a loss
    calls the module, or parts of it, itself.

    `target`: levels, "v3,v4". Further keywords are options of the compiler. CompileError where the
    module reads a value, does other things for other sizes that are declared, or what a package
    cannot. TypeError where loss, targets and optimizer do not go with train.
    """
    if not train and (loss is not None or optimizer is not None or targets is not None):
        raise TypeError("export: loss, targets and optimizer are for train=True")
    if train and steps:
        raise TypeError("export: steps is instead of train=True")
    if train and (loss is None or optimizer is None or targets is None):
        raise TypeError("export: train=True needs loss, targets and optimizer")
    examples = _examples(example_inputs)
    function = getattr(module, "forward", None) or module.execute
    inputs = dict(zip(_parameters_of(function, len(examples), "x"), examples))
    if train:
        entries, states, sizes = _training(module, inputs, loss, targets, optimizer, shapes)
    else:
        entries, states, sizes = _steps(module, steps, inputs, shapes) if steps else \
            ([], States(module), Sizes(shapes, inputs))
    entries.insert(0, _forward(module, inputs, states, sizes))
    given = model.option_items({"target": target, "settable_parameters": True, **options})
    _mintor.export_package(entries, states.arrays, states.roles, sizes.declared,
                           os.fspath(directory), given)
