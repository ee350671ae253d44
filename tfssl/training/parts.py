"""A function that sees a part of a batch at a time, and what it moves meanwhile."""

import keras
from keras import ops

from tfssl import replicas


class Parts:
    """Calls a function for each part of a batch, as if each were on its own replica.

    What the function moves starts at the same values in each part, and ends at the mean
    over the parts: the statistics of normalisation move once a batch. States of random
    generators go on from part to part; other integers, such as counters, count once.

    Args:
        function: from a part of each of the `rows` to a float tensor. What it reads and
            moves is among the variables.
        variables: list of `keras.Variable`s.
        rows: list of tensors `[batch, ...]`; they take no gradient.
        count: int, of the parts.
        read: function from what Keras keeps for a variable to a tensor, which does not
            change when the variable does.
    """

    def __init__(self, function, variables, rows, count, read):
        self.function = function
        self.rows = [ops.stop_gradient(each) for each in rows]
        self.count = count
        self.trainable = [v for v in variables if v.trainable]
        self.others = [v for v in variables if not v.trainable]
        self.learned = [read(v.value) for v in self.trainable]
        self.start = [read(v.value) for v in self.others]
        self.moved = set()
        # What the function gives, as it is known once it was called.
        self.dtype = None

    def rows_of(self, number):
        """The rows of a part, by its number from 0."""
        parts = []
        for each in self.rows:
            size = each.shape[0] // self.count
            start = (number * size, *[0] * (len(each.shape) - 1))
            parts.append(ops.slice(each, start, (size, *each.shape[1:])))
        return parts

    def call(self, number, learned, others):
        """What the function gives for a part, and where the other variables are then.

        Args:
            number: scalar int32 tensor, of the part.
            learned: tensors, values of the trainable variables.
            others: tensors, of the others after the parts before.

        Returns:
            Tuple of a float32 tensor and a list of tensors.
        """
        given = [
            now if _goes_on(v) else start
            for v, start, now in zip(self.others, self.start, others, strict=True)
        ]
        variables = [*self.trainable, *self.others]
        mapping = list(zip(variables, [*learned, *given], strict=True))
        with keras.StatelessScope(mapping) as scope:
            given = [scope.get_current_value(v) for v in self.others]
            with replicas.part(number, self.count):
                result = self.function(*self.rows_of(number))
        lost = set(scope.state_mapping) - {id(v) for v in variables}
        if lost:
            raise ValueError(
                "A part of a batch may move its own variables only. Received: "
                f"{len(lost)} others that were moved"
            )
        self.dtype = result.dtype
        after = []
        for i, (variable, before) in enumerate(zip(self.others, given, strict=True)):
            value = scope.get_current_value(variable)
            if value is before:
                after.append(others[i])
                continue
            self.moved.add(i)
            value = ops.stop_gradient(value)
            if keras.backend.is_float_dtype(variable.dtype):
                share = 1.0 / ops.cast(number + 1, variable.dtype)
                value = others[i] + (value - others[i]) * share
            after.append(value)
        return ops.cast(result, "float32"), after

    def move(self, others):
        """Gives the variables that were moved their values after the last part."""
        moved = [(self.others[i], others[i]) for i in sorted(self.moved)]
        floats = [(v, x) for v, x in moved if keras.backend.is_float_dtype(v.dtype)]
        if replicas.reach() > 1 and floats:
            # Replicas have had parts of their own. One collective for all.
            flat = [ops.reshape(ops.cast(x, "float32"), (-1,)) for _, x in floats]
            ends = _ends([x.shape[0] for x in flat])
            means = ops.split(replicas.mean(ops.concatenate(flat)), ends)
            mean_of = {id(v): m for (v, _), m in zip(floats, means, strict=True)}
            moved = [
                (v, ops.reshape(ops.cast(mean_of[id(v)], v.dtype), v.shape))
                if id(v) in mean_of
                else (v, x)
                for v, x in moved
            ]
        for variable, value in moved:
            variable.assign(value)


def _goes_on(variable):
    """Whether a variable is the state of a generator of random numbers."""
    return variable.name == "seed_generator_state"


def _ends(sizes):
    """Where to split what is put together from pieces of these sizes."""
    return [sum(sizes[: i + 1]) for i in range(len(sizes) - 1)]
