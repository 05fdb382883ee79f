"""What the nodes of a run say to each other. A run in one process uses the same message, and sends it to itself.

Must not know runners, users or statistics.
"""
