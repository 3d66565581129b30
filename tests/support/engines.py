"""Which engines a test run uses: those of the environment, containers, or the embedded ones."""

import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

import pytest

from deploy.embedded import Endpoints, Engines
from deploy.embedded.kafka import TUNING
from shared.ports import free_port

KAFKA_IMAGE = "apache/kafka:4.2.1"
MONGO_IMAGE = "mongo:8.0"


@dataclass(frozen=True)
class TestEngines:
    """The engines of a run, not yet started, and where they come from."""

    __test__ = False

    source: str
    run: AbstractContextManager[Endpoints]


def choose_engines(tmp: pytest.TempPathFactory) -> TestEngines:
    """URLs where the environment gives both, else containers where a Docker daemon answers, else embedded."""
    given = {name: os.environ.get(name) for name in ("DRYDOCK_KAFKA", "DRYDOCK_MONGO")}
    if not all(given.values()) and docker_answers():
        return TestEngines("containers", _containers(given["DRYDOCK_KAFKA"], given["DRYDOCK_MONGO"]))
    source = "given by the environment" if all(given.values()) else "embedded"
    return TestEngines(source, _embedded(tmp.mktemp("engines")))


@contextmanager
def _embedded(data: Path) -> Iterator[Endpoints]:
    # What the environment gives replaces that half.
    with Engines(data) as engines:
        yield engines.endpoints


def docker_answers() -> bool:
    """Whether a Docker daemon answers a ping within a second."""
    host = urlparse(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    if host.scheme not in ("unix", "tcp"):
        return False
    family = socket.AF_UNIX if host.scheme == "unix" else socket.AF_INET
    address = host.path if host.scheme == "unix" else (host.hostname or "127.0.0.1", host.port or 2375)
    with socket.socket(family) as connection:
        connection.settimeout(1)
        try:
            connection.connect(address)
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            return b" 200 " in connection.recv(64)
        except OSError:
            return False


@contextmanager
def _containers(kafka: str | None, mongo: str | None) -> Iterator[Endpoints]:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    # Kafka tells clients where it is: the port on this side must be known before it starts.
    port = free_port()
    settings = {
        **TUNING,
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": "1@localhost:9093",
        "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }
    environment = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in settings.items()}
    broker = DockerContainer(KAFKA_IMAGE, env=environment).with_bind_ports(9092, port)
    broker.waiting_for(LogMessageWaitStrategy("Kafka Server started"))
    state = DockerContainer(MONGO_IMAGE, ports=[27017])
    state.waiting_for(LogMessageWaitStrategy("Waiting for connections"))
    started = [container for container, given in ((broker, kafka), (state, mongo)) if given is None]
    try:
        for container in started:
            container.start()
        yield Endpoints(
            kafka or f"127.0.0.1:{port}",
            mongo or f"mongodb://{state.get_container_host_ip()}:{state.get_exposed_port(27017)}",
        )
    finally:
        for container in started:
            container.stop()
