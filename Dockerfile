# syntax=docker/dockerfile:1
# The server of Countersign. Build: docker build -t countersign . (docs/container.md)
ARG NODE=26

# With compilers, for where better-sqlite3 has no binary of its own for this processor.
FROM node:${NODE} AS build
WORKDIR /build
COPY .npmrc package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && rm dist/.tsbuildinfo && npm prune --omit=dev

# The same Debian as above, without compilers.
FROM node:${NODE}-slim
WORKDIR /app
COPY LICENSE README.md package.json ./
COPY bin ./bin
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
# The data directory must be its owner's alone: a volume that is mounted there for the first time takes this over.
RUN install -d -o node -g node -m 0700 /data && install -d /certs \
 && ln -s /app/bin/countersign /usr/local/bin/countersign

# Within a container loopback reaches nobody: what is published is decided by `ports`. The program is not the user's
# to write, so code that was compiled once is kept nowhere.
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE="" \
    COUNTERSIGN_HOST=0.0.0.0 \
    COUNTERSIGN_DATA_DIR=/data

USER node
VOLUME /data
EXPOSE 8443 9443 8480
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.COUNTERSIGN_PKI_PORT || 8480}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["countersign"]
CMD ["serve"]
