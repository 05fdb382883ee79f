"""Small things of Locust's that plugins import, under Locust's names."""
