"""Active writes: a guest's write that goes to the target before the guest is answered.

It waits until its whole range is free, is done on the source, and then sent to the target; it cleans the granules that
it covers whole. A dirty granule that it covers in part is left to the background copy.

Source: facts open-points 6b; real-qemu G; QE-15 to QE-18; BF-03, BF-13, C1.
"""

from __future__ import annotations

from reference_impl.graph import BlockIoError
from reference_impl.mirror_filter import TargetWrite
from reference_impl.mirror_operations import MirrorOperation
from reference_impl.mirror_options import CopyMode
from reference_impl.mirror_state import MirrorState


class ActiveWrites(MirrorState):
    """The part of a mirror that takes guests' writes along."""

    def mirrors_actively(self) -> bool:
        """Whether a guest's write that comes now goes to the target too: not after an error or forced cancel (C27)."""
        return not self.has_failed and not self.is_cancelled and self.copy_mode is not CopyMode.BACKGROUND

    async def active_write_begin(self, offset: int, length: int) -> MirrorOperation:
        """Enter a guest's write and wait until its whole range is free; nobody else works on it until its end."""
        offset, length = self.to_target_clusters(offset, length)
        operation = self.operations.add(offset, length, active=True)
        self.active_writes_count += 1
        await self.operations.wait_until_free(offset, length, operation)
        self.operations.claim(operation)
        return operation

    async def active_write_to_target(self, offset: int, length: int, to_target: TargetWrite) -> None:
        """Send what the source has just got to the target, and clean what is thereby equal.

        A failure never fails the guest's write: the range is dirty then, and the policy decides what becomes of the
        job (QE-15 to QE-17).
        """
        whole = self.to_target_clusters(offset, length)
        if whole != (offset, length):
            offset, length = whole
            try:
                to_target = self._write_whole(offset, await self.source.read(offset, length))
            except BlockIoError as error:
                self.mark_touched(offset, length)
                self.request_failed(error.errno, is_read=True)
                return
        offset, length = self.active_part(offset, length)
        if not length:
            return
        self.begin_part(offset, length)
        if await self.send_part(offset, length, to_target):
            # What was left out at either end is in a cluster that was there before: others were widened to.
            self.note_copied(offset, length)

    def begin_part(self, offset: int, length: int) -> None:
        """Take a part of a write as on its way: what it covers whole is clean, and it is still to be done."""
        self.clean_covered(offset, length)
        self.progress_increase_remaining(length)
        self.active_bytes_in_flight += length

    async def send_part(self, offset: int, length: int, to_target: TargetWrite) -> bool:
        """Send a part that is on its way; return whether the target has it. If not, it is dirty again."""
        try:
            await to_target(offset, length)
        except BlockIoError as error:
            self.active_bytes_in_flight -= length
            self.mark_touched(offset, length)
            self.request_failed(error.errno, is_read=False)
            return False
        self.active_bytes_in_flight -= length
        self.progress_done(length)
        return True

    def _write_whole(self, offset: int, data: bytes) -> TargetWrite:
        """Send what the source has in whole clusters that the target has not got yet.

        The target would fill up a cluster with zeroes where the guest's write is shorter, and its backing file, when it
        comes at last, could not be seen there any more. QEMU up to 11.1 does that, and the data are lost.
        """

        async def to_target(part_offset: int, part_length: int) -> None:
            start = part_offset - offset
            await self.target.write(part_offset, data[start : start + part_length])

        return to_target

    def active_part(self, offset: int, length: int) -> tuple[int, int]:
        """The part of a guest's write that an active write sends.

        A dirty granule that the write covers only in part is left out at either end: it would have to stay dirty, and
        the background copy will bring the new data with the rest. A clean one is not left out, or it would become
        different (C1, 151-3).
        """
        granularity = self.granularity_bytes
        start, end = offset, offset + length
        first_whole = -(-start // granularity) * granularity
        if start < first_whole and self.bitmap.get(start):
            start = first_whole
        last_whole = end // granularity * granularity
        if last_whole < end and self.bitmap.get(last_whole):
            end = last_whole
        return (start, end - start) if start < end else (offset, 0)

    def clean_covered(self, offset: int, length: int) -> None:
        """Clean the granules that the range covers whole, and no other (BF-03)."""
        granularity = self.granularity_bytes
        first = -(-offset // granularity) * granularity
        end = (offset + length) // granularity * granularity
        if first < end:
            self.bitmap.reset(first, end - first)

    def mark_touched(self, offset: int, length: int) -> None:
        """Mark every granule that the range touches."""
        self.bitmap.set(offset, length)

    def active_write_end(self, operation: MirrorOperation) -> None:
        """Give the range back."""
        self.active_writes_count -= 1
        self.operations.remove(operation)
