"""What people read: the tables of the console (`console`), and the live one (`live`).

Computes nothing; asks `_stats`.
"""
