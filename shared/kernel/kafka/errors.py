"""The errors of Kafka's library, for those outside of this folder who must tell them from others."""

from aiokafka.errors import KafkaConnectionError as KafkaConnectionError
from aiokafka.errors import KafkaError as KafkaError
