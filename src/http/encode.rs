//! Making header values and bodies from data. Pure.
