# syntax=docker/dockerfile:1
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# The embedded Postgres of the tests is not needed to compile.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY build ./build
RUN npm run build

FROM node:24-slim AS dependencies
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24-slim
# For each of its threads glibc would keep memory of its own.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1
WORKDIR /opt/mailpath-exporter
COPY --from=dependencies /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json LICENSE ./
# node:node of the image. Run it with --read-only: nothing is written but a --state.file. A volume for that takes the owner of
# this folder.
RUN install --directory --owner=1000 --group=1000 --mode=700 /var/lib/mailpath
USER 1000:1000
EXPOSE 10587
# Without the option Node obeys SIGUSR1 until the program has begun, and opens its inspector.
ENTRYPOINT ["node", "--disable-sigusr1", "/opt/mailpath-exporter/dist/main.js"]
CMD ["serve", "--config.file=/etc/mailpath/mailpath.yml"]
