import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Arrived, Refusal } from 'waybill/peer/http-server';
import { type FoundFile, fileBelow, segmentsOf } from './file-tree.ts';
import type { FilesValues } from './files-settings.ts';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json',
  map: 'application/json',
  webmanifest: 'application/manifest+json',
  xml: 'application/xml',
  txt: 'text/plain; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  avif: 'image/avif',
  ico: 'image/x-icon',
  woff: 'font/woff',
  woff2: 'font/woff2',
  ttf: 'font/ttf',
  wasm: 'application/wasm',
  pdf: 'application/pdf',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  webm: 'video/webm',
};

/** By the extension; what is unknown is bytes, which no browser runs. */
function fileMediaType(name: string): string {
  const extension = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(TYPES, extension)
    ? (TYPES[extension] ?? 'application/octet-stream')
    : 'application/octet-stream';
}

const YEAR = 'public, max-age=31536000, immutable';
/** May be kept, and is asked for each time: a new build counts at once. */
const ASKED_FOR = 'no-cache';

const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

/** A file as it is answered with. */
interface Chosen {
  readonly name: string;
  readonly file: FoundFile;
  readonly encoding: string | undefined;
  readonly kept: boolean;
}

/** A folder of files behind a listener (RFC 9110). */
export class StaticFiles {
  readonly #settings: FilesValues;

  constructor(settings: FilesValues) {
    this.#settings = settings;
  }

  /** Whether a path is below this folder's. */
  has(path: string): boolean {
    const { path: base } = this.#settings;
    return path === base || path.startsWith(`${base}/`);
  }

  /** Ranks a folder further down before one above it. */
  get rank(): string {
    return `${'0'.repeat(this.#settings.path.split('/').length - 1)}2`;
  }

  /** Sends the file of a request, or why there is none. Throws the Refusal before anything is sent. */
  async serve({ request, response, path }: Arrived): Promise<void> {
    const { method = '', headers } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      const text = 'This address accepts GET, HEAD.';
      throw new Refusal(405, text, { headers: { allow: 'GET, HEAD' } });
    }
    const chosen = await this.#choose(path.slice(this.#settings.path.length) || '/', headers);
    if (chosen === undefined) throw new Refusal(404, 'There is nothing at this address.');
    try {
      await this.#send(chosen, { method, headers, response });
    } finally {
      await chosen.file.handle.close();
    }
  }

  async #choose(path: string, headers: IncomingHttpHeaders): Promise<Chosen | undefined> {
    const segments = segmentsOf(path);
    if (segments === undefined) return undefined;
    const own = segments.at(-1) === '' ? [...segments.slice(0, -1), 'index.html'] : segments;
    const kept = this.#settings.immutable.includes(own[0] ?? '') && own.length > 1;
    const found = await this.#open(own, headers, kept);
    if (found !== undefined) return found;
    // a file of an old build must not come back as a page
    const isPage =
      this.#settings.singlePage && !kept && /\btext\/html\b/.test(headers.accept ?? '');
    return isPage ? this.#open(['index.html'], headers, false) : undefined;
  }

  async #open(
    segments: readonly string[],
    headers: IncomingHttpHeaders,
    kept: boolean,
  ): Promise<Chosen | undefined> {
    const { folder } = this.#settings;
    const name = segments.at(-1) ?? '';
    const file = await fileBelow(folder, segments);
    if (file === undefined) return undefined;
    // a part of a compressed file is of no use
    const encodings = headers.range === undefined ? accepted(headers) : [];
    for (const [encoding, extension] of encodings) {
      const packed = await fileBelow(folder, [...segments.slice(0, -1), name + extension]);
      if (packed === undefined) continue;
      await file.handle.close();
      return { name, file: packed, encoding, kept };
    }
    return { name, file, encoding: undefined, kept };
  }

  async #send(
    chosen: Chosen,
    {
      method,
      headers,
      response,
    }: {
      readonly method: string;
      readonly headers: IncomingHttpHeaders;
      readonly response: ServerResponse;
    },
  ): Promise<void> {
    const { file } = chosen;
    const etag = `"${file.tag}${chosen.encoding === undefined ? '' : `-${chosen.encoding}`}"`;
    const changed = new Date(file.changed).toUTCString();
    const told = this.#headers(chosen, { etag, changed });
    if (isKnown(headers, etag, file.changed)) {
      response.writeHead(304, told).end();
      return;
    }
    const range = chosen.encoding === undefined ? wantedPart(headers, file, etag) : undefined;
    if (range === 'outside') {
      const told416 = { 'content-range': `bytes */${file.size}` };
      throw new Refusal(416, 'The file has no such part.', { headers: told416 });
    }
    const { start, end } = range ?? { start: 0, end: file.size - 1 };
    response.writeHead(range === undefined ? 200 : 206, {
      ...told,
      'content-length': end - start + 1,
      ...(range !== undefined && { 'content-range': `bytes ${start}-${end}/${file.size}` }),
    });
    if (method === 'HEAD' || file.size === 0) {
      response.end();
      return;
    }
    const content = file.handle.createReadStream({ start, end, autoClose: false });
    await pipeline(content, whole(end - start + 1), response);
  }

  #headers(
    { name, encoding, kept }: Chosen,
    { etag, changed }: { readonly etag: string; readonly changed: string },
  ): OutgoingHttpHeaders {
    return {
      'content-type': fileMediaType(name),
      'cache-control': kept ? YEAR : ASKED_FOR,
      etag,
      'last-modified': changed,
      'accept-ranges': 'bytes',
      vary: 'Accept-Encoding',
      'x-content-type-options': 'nosniff',
      'content-security-policy': this.#settings.contentSecurityPolicy,
      'referrer-policy': 'same-origin',
      ...(encoding !== undefined && { 'content-encoding': encoding }),
    };
  }
}

/** Fails before the end of a file that was cut meanwhile: its length was told, and the next answer would be taken for its rest. */
function whole(size: number): Transform {
  let left = size;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      left -= chunk.length;
      done(null, chunk);
    },
    flush: (done) => done(left > 0 ? new Error('the file was cut while it was sent') : null),
  });
}

/** The part that is asked for, if the file is still the one that the client has a part of. */
function wantedPart(
  { range, 'if-range': known }: IncomingHttpHeaders,
  { size, changed }: FoundFile,
  etag: string,
): ReturnType<typeof rangeOf> {
  const isSame = known === undefined || known === etag || known === new Date(changed).toUTCString();
  return isSame ? rangeOf(range, size) : undefined;
}

/** The encodings that a client takes, the best first. */
function accepted(headers: IncomingHttpHeaders): readonly (typeof ENCODINGS)[number][] {
  const given = headers['accept-encoding'];
  const wanted = new Map(
    (Array.isArray(given) ? given.join(',') : (given ?? '')).split(',').map((one) => {
      const [name = '', ...parameters] = one.trim().toLowerCase().split(';');
      const quality = parameters.find((part) => part.trim().startsWith('q='));
      return [name.trim(), quality === undefined ? 1 : Number(quality.trim().slice(2))] as const;
    }),
  );
  return ENCODINGS.filter(([name]) => (wanted.get(name) ?? 0) > 0);
}

/** Whether the client already has the file as it is (RFC 9110, 13.1). */
function isKnown(headers: IncomingHttpHeaders, etag: string, changed: number): boolean {
  const none = headers['if-none-match'];
  if (none !== undefined) {
    return (
      none.trim() === '*' || none.split(',').some((one) => one.trim().replace(/^W\//, '') === etag)
    );
  }
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return Number.isFinite(since) && changed <= since;
}

/** The part of a file that is asked for; both ends belong to it. */
export interface FileRange {
  readonly start: number;
  readonly end: number;
}

/** `bytes=0-99`, `bytes=100-` or `bytes=-100`. Undefined sends the whole file: other units, or several ranges. */
function rangeOf(header: string | undefined, size: number): FileRange | 'outside' | undefined {
  const [, first = '', last = ''] =
    /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? [];
  if (first === '') return last === '' ? undefined : lastBytes(Number(last), size);
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  return start >= size ? 'outside' : { start, end };
}

function lastBytes(wanted: number, size: number): FileRange | 'outside' {
  const length = Math.min(wanted, size);
  return length === 0 ? 'outside' : { start: size - length, end: size - 1 };
}
