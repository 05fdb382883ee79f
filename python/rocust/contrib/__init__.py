"""Users and clients beyond plain HTTP, by Locust's names."""
