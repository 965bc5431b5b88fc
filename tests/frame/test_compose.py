"""compose.yaml: the bot and PostgreSQL, with only settings that exist, no secret inside and no right too many."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from bot.config import Settings
from tests.frame.shell import ROOT

TEXT = (ROOT / "compose.yaml").read_text()


@pytest.fixture
def services() -> Any:
    return yaml.safe_load(TEXT)["services"]


def test_it_names_only_settings_that_exist(services: Any) -> None:
    assert services["bot"]["environment"].keys() <= {name.upper() for name in Settings.model_fields}


def test_its_settings_are_ones_that_the_bot_accepts(services: Any) -> None:
    given = {name.lower(): str(value) for name, value in services["bot"]["environment"].items()}
    given["database_url"] = re.sub(r"\$\{\w+:\?[^}]*\}", "secret", given["database_url"])
    needed = {"slack_bot_token": "xoxb-1", "slack_app_token": "xapp-1", "applivery_token": "t"}
    settings = Settings(_env_file=None, **needed, applivery_organization="acme", **given)
    assert settings.database_url == "postgresql://bot:secret@db:5432/bot"


def test_secrets_come_from_the_environment_file(services: Any) -> None:
    assert services["bot"]["env_file"] == ".env"
    inline = {name for name in services["bot"]["environment"] if re.search("TOKEN|SECRET|PASSWORD", name)}
    assert inline == set()
    assert re.fullmatch(r"\$\{POSTGRES_PASSWORD:\?[^}]+\}", services["db"]["environment"]["POSTGRES_PASSWORD"])


def test_what_it_wants_from_the_environment_file_is_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text()
    for name in set(re.findall(r"\$\{(\w+)", TEXT)):
        assert f"#{name}=" in example, name


@pytest.mark.parametrize("name", ["bot", "db"])
def test_no_service_has_a_right_too_many(services: Any, name: str) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid"} & service.keys()


def test_the_bot_starts_when_the_database_is_ready(services: Any) -> None:
    assert services["bot"]["depends_on"]["db"]["condition"] == "service_healthy"
    assert "pg_isready" in services["db"]["healthcheck"]["test"]
    assert services["db"]["image"] == "postgres:17"


def test_the_database_is_reached_by_the_bot_alone(services: Any) -> None:
    assert "ports" not in services["db"]
    assert yaml.safe_load(TEXT)["networks"]["database"]["internal"] is True
    assert services["db"]["networks"] == ["database"]
    assert all(port.startswith("127.0.0.1:") for port in services["bot"]["ports"])
