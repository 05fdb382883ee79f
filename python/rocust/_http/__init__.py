"""The clients that users carry: `requests`' and `FastHttpUser`'s surfaces over the engine's transport.

What is common is Rust and lazy: a plain call hands a few references to `_core.Client` and gets an `Exchange` back, from which the
attributes of a response are made when somebody reads them. What is rare `requests` prepares and the engine sends (`paths`,
`adapter`); what somebody else's code sends is measured around it. Same answers on all ways; only the price differs. This room knows a
user by its `environment` and `context()`.
"""
