"""The engines on a machine that has neither Java nor Docker: Apache Kafka and a server of MongoDB's protocol.

>>> with Engines(Path(".drydock")) as engines:
...     endpoints = engines.endpoints
"""

from deploy.embedded.engines import Endpoints, Engines
from deploy.embedded.process import EngineProcess, EnginesError

__all__ = ["Endpoints", "EngineProcess", "Engines", "EnginesError"]
