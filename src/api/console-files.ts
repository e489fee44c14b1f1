import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Api } from '../web/api.ts';
import { isAmong } from '../web/networks.ts';
import { notFound } from '../web/problem.ts';

const AN_HOUR = 'public, max-age=3600';
const FOR_GOOD = `public, max-age=${365 * 86_400}, immutable`;
/** It brings the next version: one from a cache would keep the old one. */
const WORKER = 'service-worker.js';

/** What the build writes. */
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** How a file may be sent, the best first. */
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

/** Tells an open page which console is served: one that was loaded before an upgrade is of another. */
const VERSION = 'waybill-console';

/** Answers a request for which there is no route. */
export type NotFound = (request: FastifyRequest, reply: FastifyReply) => void;

/** The built console as it was when it was read, so that a package that is replaced meanwhile leaves it whole. */
export interface BuiltConsole {
  readonly page: string;
  /** Of the page, which names its scripts by their content. */
  readonly version: string;
  /** By their way from the root of the console, with those beside them that are compressed. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Undefined if none was built there. */
export async function readConsole(folder: string): Promise<BuiltConsole | undefined> {
  const page = await readFile(join(folder, 'index.html'), 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (page === undefined) return undefined;
  const files = new Map<string, Buffer>();
  for await (const path of glob('**/*.{js,css,svg,br,gz}', { cwd: folder }))
    files.set(path.replaceAll(sep, '/'), readFileSync(join(folder, path)));
  const version = createHash('sha256').update(page).digest('hex').slice(0, 16);
  return { page, version, files };
}

/** Says with every answer of the API which console is served; before routes are made, which would not have it. */
export function tellVersion(app: Api, { version }: BuiltConsole): void {
  app.addHook('onSend', async ({ url }, reply, payload) => {
    if (url.startsWith('/api/')) void reply.header(VERSION, version);
    return payload;
  });
}

/**
 * Serves the files of the built console, and returns the handler of all other paths. Any path that
 * is neither a file nor the API's is a page of the console, which does its own routing; a `<base>`
 * gives it the path under which a trusted proxy serves it.
 */
export function consoleFiles(
  app: Api,
  { page, version, files }: BuiltConsole,
  trustedProxies: readonly string[],
): NotFound {
  for (const path of files.keys()) if (extname(path) in TYPES) serveFile(app, files, path);
  const isTrusted = isAmong(trustedProxies);
  const told = page.replace('</head>', `<meta name="${VERSION}" content="${version}"></head>`);
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
      .send(withBase(told, base));
  };
}

function serveFile(app: Api, files: BuiltConsole['files'], path: string): void {
  const whole = files.get(path) ?? Buffer.alloc(0);
  const tag = createHash('sha256').update(whole).digest('base64url').slice(0, 16);
  const cached = path.startsWith('assets/') ? FOR_GOOD : path === WORKER ? 'no-cache' : AN_HOUR;
  app.get(`/${path}`, { schema: { hide: true } }, (request, reply) => {
    const encoding = ENCODINGS.find(([name, end]) => files.has(path + end) && takes(request, name));
    const etag = `"${tag}${encoding?.[1] ?? ''}"`;
    void reply
      .header('cache-control', cached)
      .header('vary', 'accept-encoding')
      .header('etag', etag);
    if (request.headers['if-none-match']?.includes(etag) === true) {
      void reply.code(304).send();
      return;
    }
    if (encoding !== undefined) void reply.header('content-encoding', encoding[0]);
    void reply
      .type(TYPES[extname(path)] ?? '')
      .send(encoding === undefined ? whole : files.get(path + encoding[1]));
  });
}

/** Whether who asks takes an encoding; one with `q=0` is refused. */
function takes({ headers }: FastifyRequest, encoding: string): boolean {
  const accepted = (headers['accept-encoding'] ?? '').split(',');
  return accepted.some((one) => {
    const [name = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase());
    return name === encoding && !parameters.some((part) => /^q=0(?:\.0*)?$/.test(part));
  });
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
