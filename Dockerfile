# One image for both programs: `riposte respond` (as it is) and `riposte detect` (as root, with the capabilities that the
# chart names). The last stage is empty but for what scripts/image/root.ts puts together: no shell, no package manager.
#
#     docker buildx build --platform linux/amd64,linux/arm64 --build-arg REVISION=$(git rev-parse HEAD) --tag REGISTRY/riposte:0.1.0 .

FROM debian:bookworm-slim AS tools
RUN apt-get update \
	&& apt-get install --yes --no-install-recommends \
		ca-certificates clang llvm g++ libbpf-dev libelf-dev zlib1g-dev make npm \
	&& rm -rf /var/lib/apt/lists/*

# Each platform builds its own: the BPF objects differ by the registers of the machine, and npm brings its Node.
FROM tools AS build
ARG TARGETARCH
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY cli/package.json cli/
COPY contract/package.json contract/
COPY detector/package.json detector/
COPY responder/package.json responder/
# Nothing of it needs an install script. Both of npm's architectures are known here; any other is refused by name.
RUN case "$TARGETARCH" in amd64 | arm64) ;; *) echo "no image for $TARGETARCH" >&2; exit 1 ;; esac \
	&& npm ci --ignore-scripts --no-audit --no-fund
COPY Makefile LICENSE ./
COPY bpf bpf
COPY native native
RUN make -j"$(nproc)"
COPY cli cli
COPY contract contract
COPY detector detector
COPY responder responder
COPY rules rules
COPY policies policies
COPY scripts/image scripts/image
RUN PATH="$PWD/node_modules/.bin:$PATH" node scripts/image/root.ts /image

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Riposte" \
	org.opencontainers.image.description="Active response for Linux and Kubernetes: eBPF detection, answers by policy" \
	org.opencontainers.image.licenses="Apache-2.0" \
	org.opencontainers.image.version="$VERSION" \
	org.opencontainers.image.revision="$REVISION"
COPY --from=build /image /
ENV PATH="/usr/bin" NODE_ENV="production"
WORKDIR /var/lib/riposte
EXPOSE 2810
USER 65532:65532
ENTRYPOINT ["/usr/bin/riposte"]
CMD ["--help"]
