"""What data may lawfully be on each disk, byte by byte, and that both disks have the same winner of every race.

In reading order: `Oracle`, `Phase`, `Rule`, `Violation`, `OracleViolation`, `stamped`.
"""

from harness.oracle.oracle import Oracle, Phase
from harness.oracle.stamps import SECTOR_BYTES, stamp_of, stamped
from harness.oracle.violation import OracleViolation, Rule, Violation

__all__ = ["SECTOR_BYTES", "Oracle", "OracleViolation", "Phase", "Rule", "Violation", "stamp_of", "stamped"]
