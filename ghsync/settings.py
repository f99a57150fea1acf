"""Settings: environment variables with the prefix ``GHSYNC_``, read once at the start of a command."""

import os
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ghsync.errors import NotConfigured

PREFIX = "GHSYNC_"
DATA_DIR_OF_ROOT = Path("/var/lib/ghsync")


def _data_dir() -> Path:
    """Root's server runs as a user of its own, who has no business in root's home."""
    return DATA_DIR_OF_ROOT if os.geteuid() == 0 else platformdirs.user_data_path("ghsync")


class Settings(BaseSettings):
    """What a deployment can choose. The README's table is generated from this class."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    # Storage
    database_url: SecretStr | None = Field(
        None,
        description="Any libpq URL (`postgresql://...`). Unset: an embedded PostgreSQL in the data directory",
    )
    data_dir: Path = Field(
        default_factory=_data_dir,
        description="Where the embedded PostgreSQL keeps its files; for root it is `/var/lib/ghsync`",
    )
    encryption_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Fernet keys, comma-separated, for secrets in the database; the first encrypts, all decrypt",
    )

    # Receiver
    webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Webhook secrets, comma-separated; all are live at once, so that one can be rotated"
    )
    max_body_bytes: int = Field(
        25 * 1024 * 1024, gt=0, description="Largest accepted body, in bytes (GitHub's own cap is 25 MiB)"
    )
    body_timeout_seconds: float = Field(
        10.0,
        gt=0,
        description="How long a body may take to arrive; GitHub gives up after 10 s. Others are answered 408",
    )
    body_memory_bytes: int = Field(
        128 * 1024 * 1024,
        gt=0,
        description="Bytes of bodies that a process holds at one time; others are answered 503",
    )
    max_connections: int = Field(  # less than the 1,024 files that a process may usually have open
        900, ge=1, description="Connections that a process serves at one time; others are answered 503"
    )
    commit_timeout_seconds: float = Field(
        5.0, gt=0, le=9, description="How long a delivery may wait for its commit before it is answered 503"
    )
    host: str = Field("127.0.0.1", description="Address that `ghsync serve` listens on")
    port: int = Field(8010, ge=0, le=65535, description="Port that `ghsync serve` listens on")

    # Worker
    batch_size: int = Field(500, ge=1, le=5000, description="Deliveries projected in one transaction")
    poll_seconds: float = Field(
        5.0, gt=0, description="Longest wait between two looks into the inbox when no notification comes"
    )
    max_attempts: int = Field(5, ge=1, description="Failures after which a delivery is parked")

    # Logs
    log_format: Literal["console", "json"] = Field("console", description="`console` for people, `json` for machines")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe level logged")

    @field_validator("webhook_secrets", "encryption_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must start with postgresql://")
        return value


def load(**overrides: object) -> Settings:
    """Read the settings; one `NotConfigured` names everything that is wrong.

    ``overrides`` are what the command line said; ``None`` means it said nothing.
    """
    said = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**said)  # type: ignore[arg-type]
    except ValidationError as error:
        raise NotConfigured("\n".join(_sentence(problem) for problem in error.errors())) from None


def _sentence(problem: ErrorDetails) -> str:
    name = PREFIX + "_".join(str(part) for part in problem["loc"][:1]).upper()
    return f"{name} is wrong: {problem['msg'].removeprefix('Value error, ')}."
