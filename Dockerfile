# Puente as an image: `docker build -t puente .`, then `docker run --rm -v ./site:/data puente check`, where site/ holds puente.toml.
# docker-compose.yml has a whole site around it.

ARG PYTHON=python:3.13.13-slim-trixie

FROM ${PYTHON} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# requirements.lock holds the tools of developers, too. All of it is fetched and held against its hashes, into a folder that this stage alone
# has; from there, and from nowhere else (--no-index), come the build backend and then Puente with what Puente itself asks for. So what the
# image carries stands in the lock, in that version, and no second list has to be kept.
COPY requirements.lock ./
RUN pip download --quiet --require-hashes --no-deps --only-binary=:all: --dest /wheels --requirement requirements.lock
RUN pip install --quiet --no-index --find-links /wheels hatchling
COPY LICENSE README.md pyproject.toml ./
COPY foundation foundation
COPY schemas schemas
COPY producer producer
COPY consumer consumer
COPY puente puente
RUN pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir /wheels .
# Without a pip of its own. Compiled here: the container may not write beside the code.
RUN python -m venv --without-pip /opt/puente \
 && pip --python /opt/puente/bin/python install --quiet --compile --no-index --find-links /wheels puente

FROM ${PYTHON}
# libtommath1 is what the Firebird client of the wheel firebird-embedded leaves to the system. There is such a wheel for amd64 alone:
# elsewhere Debian's client serves. (ODBC's driver manager is for databases that are no Firebird; Puente loads it for none yet.)
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libtommath1 $([ "$(dpkg --print-architecture)" = amd64 ] || echo libfbclient2) \
 && rm -rf /var/lib/apt/lists/*
# A fixed number, so that whoever owns a mounted folder can give it to this user. /data is for the settings and for what must last:
# the log, where it is a file.
RUN groupadd --gid 10001 puente \
 && useradd --uid 10001 --gid puente --home-dir /data --no-create-home --shell /usr/sbin/nologin puente \
 && install --directory --owner puente --group puente /data
COPY --from=builder /opt/puente /opt/puente
# /tmp: where the Firebird client lays out its run-time folder, for the rest may be read-only.
ENV PATH=/opt/puente/bin:$PATH PYTHONUNBUFFERED=1 XDG_CACHE_HOME=/tmp
WORKDIR /data
USER 10001:10001
ENTRYPOINT ["puente"]
CMD ["--help"]
