"""Nudges: what gets a real program to look at a reply that it has already received.

QEMU from 7.1 to 10.x, as a client of an NBD server, can leave a reply lying. Of several requests under way on one
connection, one listens on the socket and the others queue for that. When the reply to the listener itself comes, it
hands the socket to the next in the queue and then needs it once more before it goes on; by then the next one listens,
and lets go only when the next reply comes. Nothing is lost, but everything is late by one reply. A disk that answers
by itself hides this, because the next reply always comes; held storage does not. Seen with 7.2.22 and 10.0.13, not
with 5.2.0 and 11.1.3.

So after a reply on a connection on which others are still awaited, the harness has its server send chunks that say
nothing, as the beginning of a reply that is still held. The program passes the socket on and drops them. One chunk
would do unless it is addressed to the very request that listens, so there are two.
"""

from __future__ import annotations

from harness.nbd.server import NbdServer
from harness.nbd.transmission import Transmission


class Nudges:
    """Knows for each connection whether a reply may lie unread, and nudges."""

    def __init__(self, server: NbdServer) -> None:
        self._server = server
        self._nudged_at: dict[Transmission, int] = {}

    def nudge(self) -> bool:
        """Nudge wherever a reply may lie unread; return whether anything was done."""
        nudged = False
        for transmission in self._server.transmissions():
            if transmission.replies != self._nudged_at.get(transmission, 0):
                self._nudged_at[transmission] = transmission.replies
                nudged = transmission.nudge() or nudged
        return nudged
