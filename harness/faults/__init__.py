"""Single-fault sweeps: run a case, count its storage requests, and run it again with a fault at each of them.

In reading order: `fault` (what can go wrong), `plan` (makes it go wrong), `session` (between bench and implementation),
`trial` (one run and what must hold after it), `sweep` (all of them), `table` (what came of them).
"""
