import { existsSync, readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Api } from './api.ts';
import { notFound } from './problem.ts';

const YEAR = 365 * 86_400;

/** Answers a request for which there is no route. */
export type NotFound = (request: FastifyRequest, reply: FastifyReply) => void;

/**
 * Serves the files of the built console, and gives what answers all other paths. Any path that is no file and not the API's is a page of the console, which
 * finds its way by itself; a `<base>` tells it below which path a trusted proxy has put it.
 */
export async function consoleFiles(
  app: Api,
  folder: string,
  trustedProxies: readonly string[],
): Promise<NotFound> {
  const index = join(folder, 'index.html');
  if (!existsSync(index)) return notFound;
  const page = readFileSync(index, 'utf8');
  const trusted = addresses(trustedProxies);
  await app.register(fastifyStatic, {
    root: folder,
    index: false,
    wildcard: false,
    cacheControl: false,
    setHeaders(reply, path) {
      const named = /\/assets\/[^/]+$/.test(path);
      reply.header('cache-control', named ? `public, max-age=${YEAR}, immutable` : 'no-store');
    },
  });
  return (request, reply) => {
    const wantsPage = request.headers.accept?.includes('text/html') === true;
    const isApi = /^\/(?:api|health|metrics)(?:\/|$)/.test(request.url);
    if (request.method !== 'GET' || isApi || !wantsPage) {
      notFound(request, reply);
      return;
    }
    const base = prefixOf(request, trusted);
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

/** What a trusted proxy says in `X-Forwarded-Prefix`, if it is a plain path; else the root. */
function prefixOf({ raw, headers }: FastifyRequest, trusted: BlockList): string {
  const given = headers['x-forwarded-prefix'];
  const address = raw.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (typeof given !== 'string' || isIP(address) === 0) return '/';
  if (!trusted.check(address, family)) return '/';
  return /^(?:\/[\w.~-]+)+\/?$/.test(given) ? `${given.replace(/\/$/, '')}/` : '/';
}

function addresses(list: readonly string[]): BlockList {
  const found = new BlockList();
  for (const one of list) {
    const [address = '', bits] = one.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) found.addAddress(address, family);
    else found.addSubnet(address, Number(bits), family);
  }
  return found;
}
