"""A run: the environment it happens in, and the runner that starts and stops its users.

The runner asks the engine how many users of which class should be there (`_core.Dispatcher` behind `dispatch`), what to do about it
(`_core.orders`), and does it. It knows users by Locust's own surface only, and nothing of reports or the command line.
"""
