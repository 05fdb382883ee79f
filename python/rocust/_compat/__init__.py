"""What Locust has and we keep: its module names (`alias`), its assignable settings (`knobs`), what it has deprecated.

The lowest room of all: it knows no users, no HTTP and no statistics, and any other room may import it.
"""
