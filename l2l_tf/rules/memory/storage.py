"""External memory of all coordinates: `M_t = σ I + Σ a bᵀ`, read as `M r`.

Andrychowicz et al. (2016), appendix: NTM-BFGS keeps M as a matrix, NTM-L-BFGS as the last
K writes. Both keep the part that was written apart from the initial `σ I`, so that a
learned σ is differentiated through every read.
"""

from keras import ops

from l2l_tf.rules import chunks


class DenseMemory:
    """The written part of M as a matrix: O(n²) numbers and time.

    Every outer product ever written counts.
    """

    def floats(self, count):
        """Numbers kept for `count` coordinates."""
        return count * count

    def init(self, count, dtype):
        """An empty memory: dict with `memory` `[n, n]`, zeros."""
        return {"memory": ops.zeros((count, count), dtype=dtype)}

    def read(self, state, queries, scale):
        """`M r` for every query.

        Args:
            state: Dict as `init` gives it.
            queries: `[heads, n]`.
            scale: Scalar σ.

        Returns:
            `[heads, n]`.
        """
        written = ops.matmul(queries, ops.transpose(state["memory"]))
        return scale * queries + written

    def write(self, state, a, b):
        """The memory after `M + Σ_heads a bᵀ`.

        Args:
            state: Dict as `init` gives it.
            a: `[heads, n]`.
            b: `[heads, n]`.
        """
        return {"memory": state["memory"] + ops.matmul(ops.transpose(a), b)}


class WindowMemory:
    """The written part of M as the outer products of the last K steps: O(nK).

    `M r = σ r + Σ_k a^k (b^k · r)`, where a step counts once and keeps one pair for each
    write head. As long as no more than K steps were written, it reads as `DenseMemory`.

    Args:
        heads: Write heads, the pairs per step.
        steps: K.
    """

    def __init__(self, heads, steps):
        self.heads = heads
        self.steps = steps

    def floats(self, count):
        """Numbers kept for `count` coordinates."""
        return 2 * self.heads * self.steps * count

    def init(self, count, dtype):
        """An empty memory: dict with `memory_a` and `memory_b` `[heads, K, n]`, zeros."""
        shape = (self.heads, self.steps, count)
        return {name: ops.zeros(shape, dtype=dtype) for name in ("memory_a", "memory_b")}

    def read(self, state, queries, scale):
        """`M r` for every query `[heads, n]`; see `DenseMemory.read`."""
        return self.read_from(state, queries, self.products(state, queries), scale)

    def products(self, state, queries):
        """`b^k · r` for every query: `[heads, pairs]`, sums over all coordinates."""
        b = ops.reshape(state["memory_b"], (self.heads * self.steps, -1))
        return ops.matmul(queries, ops.transpose(b))

    def products_in_chunks(self, state, queries, dtype):
        """`products` of many coordinates, computed in `dtype` a chunk of them at a time."""
        heads = queries.shape[0]

        def terms(_, queries, b):
            b = ops.reshape(b, (1, self.heads * self.steps, *b.shape[2:]))
            products = queries[:, None] * b
            return [ops.reshape(products, (-1, *products.shape[2:]))]

        given = (queries[0], queries, state["memory_b"])
        sums = chunks.sums_in_chunks(terms, given, dtype, kept=1)
        return ops.reshape(sums, (heads, -1))

    def read_from(self, state, queries, products, scale):
        """`read` of some coordinates, where the `products` over all are known."""
        a = ops.reshape(state["memory_a"], (self.heads * self.steps, -1))
        return scale * queries + ops.matmul(products, a)

    def write(self, state, a, b):
        """The memory after one step's writes `[heads, n]`; the oldest step's are dropped."""
        return {
            name: ops.concatenate([state[name][:, 1:], new[:, None]], axis=1)
            for name, new in (("memory_a", a), ("memory_b", b))
        }
