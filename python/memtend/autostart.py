# SPDX-License-Identifier: MIT
"""Imported by memtend.pth when the environment says MEMTEND=1: starts the agent, or does nothing."""
try:
    from memtend import start
    start()
except Exception:  # nothing may keep an interpreter from starting
    pass
