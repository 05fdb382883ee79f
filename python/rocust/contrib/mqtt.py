"""`MqttUser` and its client, by Locust's names. Needs `rocust[mqtt]`."""

from rocust._contrib.mqtt import REQUEST_TYPE, SUBACK_FAILURE, MqttClient, MqttUser, PublishedMessageContext

__all__ = ["REQUEST_TYPE", "SUBACK_FAILURE", "MqttClient", "MqttUser", "PublishedMessageContext"]
