FROM node:20-bookworm-slim AS frontend
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend/ ./
RUN npm run build

FROM python:3.11-slim-bookworm AS packages
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/ioc \
    && /opt/ioc/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
    && python -m pip install --no-cache-dir --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY city/ city/
COPY ioc/ ioc/
COPY ingest/ ingest/
COPY geo/ geo/
COPY alerts/ alerts/
COPY --from=frontend /src/ioc/_frontend/ ioc/_frontend/
RUN python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
    && /opt/ioc/bin/pip install --no-cache-dir --no-deps /tmp/wheel/*.whl

FROM python:3.11-slim-bookworm
# The two directories exist in the image so that fresh volumes take over their owner.
RUN useradd --system --create-home --uid 10001 ioc \
    && install -d -o ioc -g ioc -m 0750 /var/lib/ioc /var/lib/ioc-mqtt
COPY --from=packages /opt/ioc /opt/ioc
ENV PATH=/opt/ioc/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    IOC_DATA_DIR=/var/lib/ioc \
    IOC_HTTP_HOST=0.0.0.0
USER ioc
WORKDIR /home/ioc
EXPOSE 8080 1883
HEALTHCHECK --start-period=60s --interval=10s --timeout=5s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
CMD ["ioc", "up"]
