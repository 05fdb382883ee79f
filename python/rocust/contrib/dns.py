"""`DNSUser` and its client, by Locust's names. Needs `rocust[dns]`."""

from rocust._contrib.dns import DNSClient, DNSUser

__all__ = ["DNSClient", "DNSUser"]
