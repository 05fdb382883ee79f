"""What pytest loads wherever Rocust is installed. A package of its own: a run of tests that wants none of it does not import Rocust."""
