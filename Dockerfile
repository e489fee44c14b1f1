# Build: everything, to make dist.
FROM node:24-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

# Run: the built program and its dependencies, as a user without rights.
FROM node:24-trixie-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends nats-server tini \
  && rm -rf /var/lib/apt/lists/* \
  && install -d -o node -g node /data /pki
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/src/cli/waybill.cjs ./src/cli/waybill.cjs
COPY --from=build /app/productions ./productions
ENV NODE_ENV=production WAYBILL_INSTALL=never
USER node
VOLUME /data
EXPOSE 2575 8080 9464
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--", "node", "/app/src/cli/waybill.cjs"]
CMD ["run", "productions/adt-hub", "--data", "/data", "--metrics", "0.0.0.0:9464"]
