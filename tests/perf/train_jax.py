# SPDX-License-Identifier: Apache-2.0
"""The models of train.py as JAX's users write them: functions of a dictionary of parameters.

Takes the initial weights under PyTorch's names; gives a step, compiled whole by jax.jit, with all
that it changes donated. Keeps true: images are channels last inside, as JAX's convolutions want
them; pooling is a maximum over a reshape, whose gradient is faster than reduce_window's.
"""
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

OPTIMIZERS = {"SGD": optax.sgd, "Adam": optax.adam, "AdamW": optax.adamw}


def linear(p, name, x):
    return x @ p[name + ".weight"].T + p[name + ".bias"]


def conv(p, name, x, stride=1, padding=0):
    made = lax.conv_general_dilated(
        x, p[name + ".weight"], (stride, stride), [(padding, padding)] * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return made + p[name + ".bias"] if name + ".bias" in p else made


def pool(x):
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))


def norm(p, name, x, axes, changed=None):
    mean, square = x.mean(axes, keepdims=True), (x * x).mean(axes, keepdims=True)
    variance = jnp.maximum(0, square - mean * mean)
    if changed is not None:
        count = x.size // x.shape[-1]
        for key, value in (("mean", mean), ("var", variance * (count / (count - 1)))):
            key = f"{name}.running_{key}"
            changed[key] = 0.9 * p[key] + 0.1 * value.reshape(-1)
    return (x - mean) * lax.rsqrt(variance + 1e-5) * p[name + ".weight"] + p[name + ".bias"]


def mlp(p, x, _):
    return linear(p, "4", jax.nn.relu(linear(p, "2", jax.nn.relu(linear(p, "0", x)))))


def cnn(p, x, _):
    for name in ("0", "3"):
        x = pool(jax.nn.relu(conv(p, name, x, 1, 2)))
    return linear(p, "9", jax.nn.relu(linear(p, "7", x.reshape(len(x), -1))))


def resnet18(p, x, changed):
    batch_norm = functools.partial(norm, p, axes=(0, 1, 2), changed=changed)
    x = jax.nn.relu(batch_norm("1", conv(p, "0", x, 1, 1)))
    for block in range(8):
        name, stride = f"{block + 3}.", 2 if block in (2, 4, 6) else 1
        made = jax.nn.relu(batch_norm(name + "norm1", conv(p, name + "first", x, stride, 1)))
        made = batch_norm(name + "norm2", conv(p, name + "second", made, 1, 1))
        if name + "beside.0.weight" in p:
            x = batch_norm(name + "beside.1", conv(p, name + "beside.0", x, stride))
        x = jax.nn.relu(made + x)
    return linear(p, "13", x.mean((1, 2)))


def transformer(p, x, _):
    batch, steps, width = x.shape
    for name in ("layers.0.", "layers.1."):
        attention = name + "self_attn."
        qkv = x @ p[attention + "in_proj_weight"].T + p[attention + "in_proj_bias"]
        qkv = qkv.reshape(batch, steps, 3, 4, width // 4)
        made = jax.nn.dot_product_attention(qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2])
        made = linear(p, attention + "out_proj", made.reshape(batch, steps, width))
        x = norm(p, name + "norm1", x + made, (-1,))
        made = linear(p, name + "linear2", jax.nn.relu(linear(p, name + "linear1", x)))
        x = norm(p, name + "norm2", x + made, (-1,))
    return linear(p, "head", x.mean(1))


def lstm(p, x, _):
    def cell(weight, state, gates):
        hidden, memory = state
        i, f, g, o = jnp.split(gates + hidden @ weight, 4, axis=-1)
        memory = jax.nn.sigmoid(f) * memory + jax.nn.sigmoid(i) * jnp.tanh(g)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(memory)
        return (hidden, memory), hidden

    x = x.swapaxes(0, 1)
    for layer in ("l0", "l1"):
        gates = x @ p[f"layers.weight_ih_{layer}"].T + p[f"layers.bias_ih_{layer}"] + \
            p[f"layers.bias_hh_{layer}"]
        weight = p[f"layers.weight_hh_{layer}"].T
        zeros = jnp.zeros((x.shape[1], weight.shape[0]))
        x = lax.scan(functools.partial(cell, weight), (zeros, zeros), gates)[1]
    return linear(p, "head", x[-1])


def channels_last(name, key, value):
    if value.ndim == 4:
        return value.transpose(2, 3, 1, 0)
    if name == "cnn" and key == "7.weight":
        return value.reshape(-1, 64, 7, 7).transpose(0, 2, 3, 1).reshape(value.shape)
    return value


def step_of(name, weights, x, y, optimizer, options):
    """A function that makes a step and gives its loss."""
    forward = globals()[name]
    values = {key: channels_last(name, key, value) for key, value in np.load(weights).items()}
    buffers = {key: value for key, value in values.items() if "running_" in key}
    values = {key: value for key, value in values.items()
              if key not in buffers and not key.endswith("num_batches_tracked")}
    options = {"learning_rate" if key == "lr" else key: value for key, value in options.items()}
    update = OPTIMIZERS[optimizer](**options)

    def loss_of(values, buffers, x, y):
        changed = {}
        made = forward({**values, **buffers}, x, changed)
        if name == "lstm":
            return ((made - y) ** 2).mean(), changed
        return optax.softmax_cross_entropy_with_integer_labels(made, y).mean(), changed

    @functools.partial(jax.jit, donate_argnums=(0, 1, 2))
    def train(values, buffers, state, x, y):
        (loss, changed), grads = jax.value_and_grad(loss_of, has_aux=True)(values, buffers, x, y)
        change, state = update.update(grads, state, values)
        return optax.apply_updates(values, change), {**buffers, **changed}, state, loss

    now = list(jax.device_put((values, buffers, update.init(values))))
    given = jax.device_put((x.transpose(0, 2, 3, 1) if x.ndim == 4 else x,
                            y if name == "lstm" else y.astype("int32")))

    def step():
        *now[:], loss = train(*now, *given)
        return loss
    return step
