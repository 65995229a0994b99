"""Data of value functions: steps of small control problems under fixed policies.

A policy and its problem are deterministic, so that values are known exactly.
"""

import functools

import numpy as np

DISCOUNT = 0.9
HORIZON = 160  # 0.9^160 is 5e-8.


@functools.cache
def transitions(problem, rows=8192, held_out=1024):
    """Steps from random states, with the value of each state.

    Args:
        problem: "mountain_car" or "pendulum".
        rows: Steps to train on.
        held_out: Steps that are held out.

    Returns:
        Dict split → `(states [n, d], rewards [n], next states [n, d], values [n])`, float32,
        states as a net sees them; see `values`.
    """
    start, step, reward, observe = PROBLEMS[problem]
    states = start(np.random.default_rng(8), rows + held_out)
    parts = (observe(states), reward(states), observe(step(states)), values(problem, states))
    parts = [part.astype("float32") for part in parts]
    return {
        "train": tuple(part[:rows] for part in parts),
        "test": tuple(part[rows:] for part in parts),
    }


def values(problem, states):
    """`Σ DISCOUNTᵏ · reward k steps on`, `[n]`, of a problem's states as they are inside it."""
    _, step, reward, _ = PROBLEMS[problem]
    found, weight = 0.0, 1.0
    for _ in range(HORIZON):
        found = found + weight * reward(states)
        states, weight = step(states), weight * DISCOUNT
    return found


def _car_start(generator, count):
    """Place and speed of a car in a valley (Moore 1990), anywhere; some have arrived."""
    drawn = generator.uniform([-1.2, -0.07], [0.6, 0.07], (count, 2))
    return np.minimum(drawn, [0.5, 0.07])


def _car_step(states):
    """It pushes in the direction it moves in; it stays where it has arrived."""
    place, speed = states.T
    push = np.where(speed >= 0, 1.0, -1.0)
    faster = np.clip(speed + 0.001 * push - 0.0025 * np.cos(3 * place), -0.07, 0.07)
    further = np.clip(place + faster, -1.2, 0.5)
    faster = np.where((further <= -1.2) & (faster < 0), 0.0, faster)
    arrived = place >= 0.5
    return np.stack([np.where(arrived, place, further), np.where(arrived, speed, faster)], 1)


def _car_reward(states):
    return np.where(states[:, 0] >= 0.5, 0.0, -1.0)


def _car_observed(states):
    return states * np.array([1.0, 15.0])


def _pendulum_start(generator, count):
    """Angle (0: upright) and angular speed."""
    return generator.uniform([-np.pi, -8.0], [np.pi, 8.0], (count, 2))


def _pendulum_step(states):
    """It pushes in the direction it swings in: g = 10, a mass and a length of 1, 1/20 s."""
    angle, speed = states.T
    torque = np.where(speed >= 0, 2.0, -2.0)
    faster = np.clip(speed + 0.05 * (15.0 * np.sin(angle) + 3.0 * torque), -8.0, 8.0)
    turned = angle + 0.05 * faster
    return np.stack([(turned + np.pi) % (2 * np.pi) - np.pi, faster], 1)


def _pendulum_reward(states):
    return -(states[:, 0] ** 2 + 0.1 * states[:, 1] ** 2) / 4.0


def _pendulum_observed(states):
    return np.stack([np.cos(states[:, 0]), np.sin(states[:, 0]), states[:, 1] / 8.0], 1)


PROBLEMS = {
    "mountain_car": (_car_start, _car_step, _car_reward, _car_observed),
    "pendulum": (_pendulum_start, _pendulum_step, _pendulum_reward, _pendulum_observed),
}
