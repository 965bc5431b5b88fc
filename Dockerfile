# syntax=docker/dockerfile:1
# Every RUN is a step of tools/image_steps.sh, which `make image-steps` and the tests run too.
# To build on exactly the image that you have checked, which Renovate does here too (pinDigests):
#   docker buildx imagetools inspect python:3.13-slim
#   docker build --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:… --tag applivery-bot .
# Behind a proxy that inspects TLS, with your company's certificates in a PEM file:
#   docker build --secret id=ca,src=company-ca.pem --tag applivery-bot .
# With buildah or podman, whose own format has no HEALTHCHECK:
#   buildah build --format docker --tag applivery-bot .

ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
COPY tools/image_steps.sh tools/
COPY requirements.lock requirements-build.lock ./
RUN --mount=type=secret,id=ca sh tools/image_steps.sh install /opt/bot
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
RUN sh tools/image_steps.sh package /opt/bot
RUN sh tools/image_steps.sh prove /opt/bot

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="applivery-bot" \
      org.opencontainers.image.description="The Slack bot for teams that ship mobile apps with Applivery" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN --mount=type=bind,source=tools/image_steps.sh,target=/mnt/image_steps.sh sh /mnt/image_steps.sh seal /usr/local /data 10001
COPY --from=build /opt/bot /opt/bot
# Bytecode is in the image already, and the root file system may be read-only. Two arenas: glibc gives threads eight for
# each CPU, and keeps what each once needed. https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html
ENV PATH="/opt/bot/bin:/usr/local/bin:/usr/bin:/bin" \
    HOME="/data" \
    PYTHONDONTWRITEBYTECODE="1" \
    PYTHONUNBUFFERED="1" \
    MALLOC_ARENA_MAX="2" \
    HOST="0.0.0.0" \
    PORT="3000" \
    LOG_FORMAT="json" \
    DATABASE_URL="sqlite:////data/bot.db"
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 3000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('PORT') or 3000), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["applivery-bot"]
CMD ["run"]
