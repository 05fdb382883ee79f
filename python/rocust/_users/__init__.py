"""What a locustfile declares: users, task sets, tasks, tags, waits.

The loop of a user lives here; what it asks (which task, how long to wait, may I go on) is answered by the Rust engine. This room
knows the HTTP clients that users carry, and nothing of runners or reports.
"""
