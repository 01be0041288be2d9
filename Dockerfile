# The live engine: `docker compose up trading-engine`, or
#   docker build -t trading-engine . && docker run --rm -p 127.0.0.1:8083:8083 -v engine-data:/data trading-engine
#
# What is installed comes from requirements.lock, its hashes checked; of the extras only `live`.

FROM python:3.13-slim AS builder
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_NO_CACHE=1
WORKDIR /app
COPY .ci/uv.lock .ci/uv.lock
RUN python -m venv /uv && \
    /uv/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r .ci/uv.lock
COPY pyproject.toml requirements.lock README.md ./
RUN printf 'setuptools\n' >build.in && \
    /uv/bin/uv venv --python /usr/local/bin/python /venv && \
    /uv/bin/uv pip install --python /venv/bin/python --only-binary :all: --compile-bytecode \
        --constraints requirements.lock -r pyproject.toml --extra live -r build.in
COPY workbench workbench
COPY live live
RUN /uv/bin/uv pip install --python /venv/bin/python --no-deps --no-build-isolation --editable . && \
    /venv/bin/python -m compileall -q workbench live && \
    rm -r .ci build.in requirements.lock

FROM python:3.13-slim
# Where the container may make user namespaces, strategies are kept in bubblewrap; else one level below.
RUN apt-get update && \
    apt-get install -y --no-install-recommends bubblewrap && \
    rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin trader && \
    install -d -o trader -g trader -m 0700 /data /data/engine /data/cache
COPY --from=builder /venv /venv
COPY --from=builder /app /app
COPY strategies /app/strategies
COPY config /app/config
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    HOME=/data \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    WORKBENCH_CACHE_DIR=/data/cache \
    TRADING_ENGINE_HOST=0.0.0.0 \
    TRADING_ENGINE_PORT=8083 \
    TRADING_ENGINE_GRPC_PORT=50054 \
    TRADING_ENGINE_DATA=/data/engine \
    STRATEGIES_PATH=/app/strategies
USER 10001:10001
# Compiles the rulebook once, here and not at each first start; a new volume begins with a copy of it.
RUN python -c "import workbench as wb; wb.backtest('strategies/sma_cross.py', 'sp500', progress=False)"
VOLUME /data
EXPOSE 8083 50054
STOPSIGNAL SIGTERM
# An answer that is an error (503: it does not trade) counts as unhealthy too.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, ssl, urllib.request as u; tls = os.environ.get('TRADING_ENGINE_TLS_CERT'); u.urlopen(f\"http{'s' if tls else ''}://127.0.0.1:{os.environ['TRADING_ENGINE_PORT']}/health\", timeout=8, context=ssl._create_unverified_context() if tls else None)"]
CMD ["python", "-m", "live"]
