"""compose.yaml: the bot on SQLite, or with PostgreSQL beside it; no secret inside, no right too many."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from bot.settings import Settings
from tests.repository.shell import ROOT, environment, run

TEXT = (ROOT / "compose.yaml").read_text()
needs_compose = pytest.mark.skipif(
    not shutil.which("docker") or run("docker", "compose", "version", cwd=ROOT).code != 0,
    reason="needs Docker Compose 2; on Ubuntu: sudo apt-get install docker-compose-v2",
)


@pytest.fixture
def services() -> Any:
    return yaml.safe_load(TEXT)["services"]


def test_compose_names_only_existing_settings(services: Any) -> None:
    assert services["bot"]["environment"].keys() <= {name.upper() for name in Settings.model_fields}


def test_compose_settings_are_accepted_by_bot(services: Any) -> None:
    given = {name.lower(): str(value) for name, value in services["bot"]["environment"].items()}
    needed = {"slack_bot_token": "xoxb-1", "slack_app_token": "xapp-1", "applivery_token": "t"}
    Settings(_env_file=None, **needed, applivery_organization="acme", **given)
    [url] = re.findall(r"set DATABASE_URL above to (\S+)", (ROOT / ".env.example").read_text())
    there = f"postgresql://{services['db']['environment']['POSTGRES_USER']}:…@db:5432/bot"
    assert url == there
    assert services["db"]["environment"]["POSTGRES_DB"] == "bot"


def test_compose_default_is_bot_with_sqlite_in_kept_volume(services: Any) -> None:
    assert "profiles" not in services["bot"]
    assert "DATABASE_URL" not in services["bot"]["environment"], "the image's own, or .env's"
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert 'DATABASE_URL="sqlite:////data/bot.db"' in dockerfile
    assert services["bot"]["volumes"] == ["data:/data"]
    assert "data" in yaml.safe_load(TEXT)["volumes"]
    assert services["bot"]["depends_on"]["db"]["required"] is False


def test_postgresql_comes_with_its_profile(services: Any) -> None:
    [profile] = services["db"]["profiles"]
    assert f"#COMPOSE_PROFILES={profile}" in (ROOT / ".env.example").read_text()


def test_compose_secret_files_are_valid_when_uncommented() -> None:
    """The commented lines about secrets as files are right once they are uncommented."""
    marked = re.sub(r"^(\s*)# (secrets:|  \w+: \{file)", r"\1\2", TEXT, flags=re.MULTILINE)
    told = yaml.safe_load(marked)
    named = told["services"]["bot"]["secrets"]
    assert named == list(told["secrets"])
    assert set(named) <= set(Settings.model_fields)


def test_secrets_come_from_the_environment_file(services: Any) -> None:
    assert services["bot"]["env_file"] == ".env"
    inline = {name for name in services["bot"]["environment"] if re.search("TOKEN|SECRET|PASSWORD", name)}
    assert inline == set()
    assert services["db"]["environment"]["POSTGRES_PASSWORD"] == "${POSTGRES_PASSWORD:-}"


def test_compose_variables_are_in_env_example() -> None:
    example = (ROOT / ".env.example").read_text()
    for name in set(re.findall(r"\$\{(\w+)", TEXT)):
        assert f"#{name}=" in example, name


@pytest.mark.parametrize("name", ["bot", "db"])
def test_the_log_of_each_service_is_bounded(services: Any, name: str) -> None:
    """Without max-size a log grows until the disk is full: docs.docker.com/engine/logging/drivers/json-file."""
    assert services[name]["logging"]["driver"] == "json-file"
    assert services[name]["logging"]["options"].keys() == {"max-size", "max-file"}


def test_compose_checks_health_as_the_image_does(services: Any) -> None:
    """An image in OCI format has no HEALTHCHECK: https://github.com/containers/buildah/blob/main/docs/buildah-build.1.md"""
    [of_the_image] = re.findall(r"^HEALTHCHECK .*\\\n\s+CMD (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert services["bot"]["healthcheck"]["test"] == ["CMD", *json.loads(of_the_image)]


def test_compose_file_is_what_the_specification_allows() -> None:
    project = PyCompose.from_yaml(TEXT)
    project.validate()
    assert set(project.service_names()) == {"bot", "db"}
    with pytest.raises(ValueError, match="read_onli"):
        PyCompose.from_yaml(TEXT.replace("read_only", "read_onli"))


@needs_compose
@pytest.mark.parametrize("profile", ["", "postgresql"])
def test_compose_itself_takes_the_file(tmp_path: Path, profile: str) -> None:
    shutil.copy(ROOT / "compose.yaml", tmp_path)
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    done = run("docker", "compose", "config", "--quiet", cwd=tmp_path, env=environment(COMPOSE_PROFILES=profile))
    assert done.code == 0, done


@pytest.mark.parametrize("name", ["bot", "db"])
def test_no_service_has_a_right_too_many(services: Any, name: str) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "/tmp" in service["tmpfs"]
    assert not {"privileged", "cap_add", "network_mode", "pid"} & service.keys()


def test_the_bot_starts_when_the_database_is_ready(services: Any) -> None:
    assert services["bot"]["depends_on"]["db"]["condition"] == "service_healthy"
    assert "pg_isready" in services["db"]["healthcheck"]["test"]
    assert re.fullmatch(r"postgres:17(@sha256:[0-9a-f]{64})?", services["db"]["image"])


def test_the_database_is_reached_by_the_bot_alone(services: Any) -> None:
    assert "ports" not in services["db"]
    assert yaml.safe_load(TEXT)["networks"]["database"]["internal"] is True
    assert services["db"]["networks"] == ["database"]
    assert all(port.startswith("127.0.0.1:") for port in services["bot"]["ports"])
