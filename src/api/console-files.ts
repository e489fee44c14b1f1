import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Api } from '../web/api.ts';
import { isAmong } from '../web/networks.ts';
import { notFound } from '../web/problem.ts';

const AN_HOUR = 'public, max-age=3600';
const FOR_GOOD = `public, max-age=${365 * 86_400}, immutable`;
/** It brings the next version: one from a cache would keep the old one. */
const WORKER = 'service-worker.js';

/** Answers a request for which there is no route. */
export type NotFound = (request: FastifyRequest, reply: FastifyReply) => void;

/**
 * Serves the files of the built console, and returns the handler of all other paths. Any path that
 * is neither a file nor the API's is a page of the console, which does its own routing; a `<base>`
 * gives it the path under which a trusted proxy serves it.
 */
export async function consoleFiles(
  app: Api,
  folder: string,
  trustedProxies: readonly string[],
): Promise<NotFound> {
  const index = join(folder, 'index.html');
  if (!existsSync(index)) return notFound;
  const page = readFileSync(index, 'utf8');
  const isTrusted = isAmong(trustedProxies);
  await app.register(fastifyStatic, {
    root: folder,
    index: false,
    wildcard: false,
    cacheControl: false,
    preCompressed: true,
    setHeaders(reply, path) {
      const named = /\/assets\/[^/]+$/.test(path);
      reply.header(
        'cache-control',
        named ? FOR_GOOD : path.endsWith(WORKER) ? 'no-cache' : AN_HOUR,
      );
      reply.header('vary', 'accept-encoding');
    },
  });
  return (request, reply) => {
    const { accept = '*/*' } = request.headers;
    // programs that look whether the address answers take anything
    const wantsPage = accept.includes('text/html') || (request.url === '/' && accept === '*/*');
    const isApi = /^\/(?:api|health|metrics)(?:\/|$)/.test(request.url);
    if (request.method !== 'GET' || isApi || !wantsPage) {
      notFound(request, reply);
      return;
    }
    const base = prefixOf(request, isTrusted);
    void reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(withBase(page, base));
  };
}

function withBase(page: string, base: string): string {
  const tag = `<base href="${base}">`;
  return /<base [^>]*>/.test(page)
    ? page.replace(/<base [^>]*>/, tag)
    : page.replace('<head>', `<head>${tag}`);
}

/** The `X-Forwarded-Prefix` of a trusted proxy, if it is a plain path; otherwise the root. */
function prefixOf(
  { raw, headers }: FastifyRequest,
  isTrusted: (address: string) => boolean,
): string {
  const given = headers['x-forwarded-prefix'];
  if (typeof given !== 'string' || !isTrusted(raw.socket.remoteAddress ?? '')) return '/';
  return /^(?:\/[\w.~-]+)+\/?$/.test(given) ? `${given.replace(/\/$/, '')}/` : '/';
}
