# Two stages: one builds the wheel and installs it, the other holds what it installed and nothing else.
# Every dependency comes as a binary wheel, so neither stage has a compiler, and nothing here is of one architecture:
#
#   docker buildx build --platform linux/amd64,linux/arm64 --tag REGISTRY/ghsync:VERSION --push .
#
# It needs a writable /tmp and, for a spool or the embedded PostgreSQL, a volume at /var/lib/ghsync. The rest may be
# read-only. The extra for traces is in it: whoever runs an image cannot add one.

FROM python:3.11-slim AS build

WORKDIR /src
COPY constraints.txt ./
RUN python -m venv --without-pip /opt/ghsync \
    && pip install --no-cache-dir --only-binary :all: --constraint constraints.txt hatchling

COPY pyproject.toml README.md LICENSE ./
COPY db db
COPY ghsync ghsync
RUN pip wheel --no-cache-dir --no-build-isolation --no-deps --wheel-dir /wheels . \
    && pip --python /opt/ghsync/bin/python install --no-cache-dir --only-binary :all: \
        --constraint constraints.txt "$(echo /wheels/ghsync-*.whl)[otel]"


FROM python:3.11-slim

LABEL org.opencontainers.image.title="ghsync" \
      org.opencontainers.image.description="A PostgreSQL mirror of GitHub repositories, issues and pull requests" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.vendor="The ghsync authors"

RUN groupadd --gid 10001 ghsync \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/ghsync --create-home --shell /usr/sbin/nologin ghsync
COPY --from=build /opt/ghsync /opt/ghsync

ENV PATH=/opt/ghsync/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GHSYNC_DATA_DIR=/var/lib/ghsync \
    GHSYNC_HOST=0.0.0.0 \
    GHSYNC_PORT=8010

USER 10001:10001
WORKDIR /var/lib/ghsync
EXPOSE 8010

# `ghsync work` answers on GHSYNC_OPERATIONS_PORT alone.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ.get(\"GHSYNC_OPERATIONS_PORT\") or os.environ[\"GHSYNC_PORT\"]}/healthz', timeout=3)"]

ENTRYPOINT ["ghsync"]
CMD ["serve"]
