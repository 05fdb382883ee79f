"""`OpenAIUser` and its client, by Locust's names. Needs `rocust[oai]`."""

from rocust._contrib.oai import OpenAIClient, OpenAIUser

__all__ = ["OpenAIClient", "OpenAIUser"]
