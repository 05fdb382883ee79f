"""The behaviours, one module for a subject. `registry` loads them all."""
