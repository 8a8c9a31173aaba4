"""What a chain of overlays holds: the first layer that has something decides.

Source: 041-H, 155, 274 (a backing file that is shorter than its overlay reads as zeroes beyond its end).
"""

from __future__ import annotations

from reference_impl.graph import BlockStatus, Graph, Node


async def block_status_above(graph: Graph, top: Node, base: Node | None, offset: int, length: int) -> BlockStatus:
    """What the chain from `top` down to `base`, without it, holds in a range.

    :param base: None for the whole chain.
    :return: ``allocated`` says whether any of these layers holds the beginning of the range. If none does and there is
        nothing below them, it reads as zeroes.
    :raise BlockIoError: what a layer failed with.
    """
    end = None if base is None else graph.skip_filters(base)
    layer: Node | None = top
    while layer is not None and layer is not end:
        available = layer.size_bytes - offset
        if available <= 0:
            # Beyond the end of a short layer nothing below shows: it reads as zeroes, and that is this layer's doing.
            return BlockStatus(length, data=False, zero=True, allocated=True)
        status = await layer.block_status(offset, min(length, available))
        length = status.length_bytes
        if status.allocated:
            return status
        layer = graph.backing_chain_next(layer)
    return BlockStatus(length, data=False, zero=layer is None, allocated=False)


async def shown_from_below(graph: Graph, image: Node, bottom: Node, offset: int, length: int) -> tuple[int, bool]:
    """What an image, which holds nothing in a range itself, shows because of the images below it down to `bottom`.

    :return: (for how many bytes it is alike, whether they would read differently, or might, without those images).
    :raise BlockIoError: what a layer failed with.
    """
    base = graph.backing_chain_next(bottom)
    first = None if image is bottom else graph.backing_chain_next(image)
    if first is None:
        return length, False
    status = await block_status_above(graph, first, base, offset, length)
    if status.allocated and offset >= first.size_bytes:
        # Beyond the end of a short image there are zeroes. They are to be kept only from what would show instead.
        # (QEMU up to 11.1 does not keep them, and what is further below comes to light.)
        length = status.length_bytes if base is None else min(status.length_bytes, max(base.size_bytes - offset, 1))
        return length, base is not None and offset < base.size_bytes
    return status.length_bytes, status.allocated
