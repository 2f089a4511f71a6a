# SPDX-License-Identifier: Apache-2.0
# Not run here: this repository's checks have no container engine. What it does is what script/bootstrap and the README do.
#   docker build -t tessera .
FROM docker.io/library/python:3.12-slim-bookworm AS build
RUN apt-get update -qq \
 && apt-get install -qq -y --no-install-recommends g++ cmake ninja-build libssl-dev \
 && rm -rf /var/lib/apt/lists/*
COPY . /src
RUN python -m venv /opt/tessera && /opt/tessera/bin/pip install --no-cache-dir '/src[service,postgres,redis]'

FROM docker.io/library/python:3.12-slim-bookworm
RUN apt-get update -qq \
 && apt-get install -qq -y --no-install-recommends libssl3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /var/lib/tessera --create-home tessera \
 && chmod 700 /var/lib/tessera
COPY --from=build /opt/tessera /opt/tessera
USER tessera
ENV PATH=/opt/tessera/bin:$PATH TESSERA_DATA_DIR=/var/lib/tessera
VOLUME /var/lib/tessera
EXPOSE 8081
# The service has ten seconds to finish what is in flight; a runtime that kills sooner cuts answers.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8081/readyz', timeout=2)"]
ENTRYPOINT ["tessera"]
CMD ["serve", "--host", "0.0.0.0"]
