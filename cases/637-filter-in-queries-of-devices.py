"""637-filter-in-queries-of-devices: filters of commits and streams show in queries of devices if they have a name.

Groups: graph commit stream quick
Needs: device_add block-commit block-stream.bottom blockdev-reopen driver=qcow2
Source: 040-SD-implicit_node, D19
"""

from harness.bench import Bench
from harness.devices import Devices
from harness.units import MIB


def run(bench: Bench) -> None:
    devices = Devices(bench)
    bench.chain(3, 1 * MIB)
    devices.plug("disk", "n2")
    devices.show()
    for command, options in (("block-commit", {"top-node": "n1"}), ("block-stream", {})):
        for named in ({}, {"filter-node-name": "filter"}):
            job = {"job-id": "job0", "device": "n2", "auto-finalize": False}
            bench.execute(command, job | options | named)
            bench.wait_event("BLOCK_JOB_PENDING")
            devices.show()
            bench.show_chain("n2")
            bench.execute("job-cancel", id="job0")
            bench.wait_event("JOB_STATUS_CHANGE", status="null")
            devices.show()
