"""The console script `drydock`: the console's command line, and beside it the commands that start something here."""

from services.console.cli import main as run
from services.console.cli import make_app

COMMANDS = {
    "dev": "deploy.commands.dev:dev",
    "engines": "deploy.commands.engines:app",
    "doctor": "deploy.commands.doctor:doctor",
    "installation": "deploy.commands.installation:app",
}

app = make_app(COMMANDS)


def main() -> None:
    """Run the command line."""
    run(app)
