# Both daemons in one image, for any user id and a read-only root file system. docs/kubernetes.md has the build commands.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
# --build-arg PIP_NO_INDEX=1 builds without network, from the wheels collected in wheels/ beforehand.
ARG PIP_NO_INDEX
WORKDIR /src
COPY . .
# The originals' names exist in the image only, so that charts' own command lines start these daemons. Installing
# the package puts nothing on a PATH where an original may be.
RUN python -m venv --without-pip /opt/mcfleet \
 && python -m pip --python /opt/mcfleet/bin/python install \
      --no-cache-dir --disable-pip-version-check --no-compile --find-links wheels . \
 && ln -s memcache-server /opt/mcfleet/bin/memcached \
 && ln -s mcproxy /opt/mcfleet/bin/mcrouter
# Bytecode of the standard library (which python:slim ships without) and of everything installed, in a tree
# of its own: at run time nothing can be written and nothing has to be compiled.
RUN stdlib="$(python -c 'import os; print(os.path.dirname(os.__file__))')" \
 && PYTHONPYCACHEPREFIX=/opt/mcfleet/pycache python -m compileall -q --invalidation-mode unchecked-hash \
      -x '/(test|tests|idlelib|lib2to3|tkinter|turtledemo|ensurepip|pip|setuptools)/' "$stdlib" /opt/mcfleet/lib

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="mcfleet-memcached" \
      org.opencontainers.image.description="A memcached server and an mcrouter-style proxy" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/mcfleet /opt/mcfleet
ENV PATH=/opt/mcfleet/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPYCACHEPREFIX=/opt/mcfleet/pycache \
    PYTHONUNBUFFERED=1
USER 65532:65532
# The server and its metrics; the proxy and its metrics.
EXPOSE 11211 9150 5000 9442
CMD ["memcache-server"]
