import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  attributeOf,
  childOf,
  childrenOf,
  escaped,
  parseXml,
  textAt,
  textOf,
  type XmlElement,
} from 'waybill/document';
import { type FileEntry, FileError, type FileFacts } from 'waybill/peer/folder';
import {
  changedObject,
  type ObjectStore,
  type ObjectWriting,
  objectKey,
  objectPrefix,
  ofSize,
  putInParts,
  takenName,
  type Upload,
  unlessMissing,
  wholeSeconds,
} from 'waybill/peer/object-store';
import type { AzureAnswer, AzureClient } from './azure-client.ts';

export interface AzureWriting {
  /** The name of an encryption scope of the account. */
  readonly encryptionScope?: string | undefined;
}

type Writing = ObjectWriting & AzureWriting;

/** How blobs are taken. */
export interface Taking {
  /** The tag that marks a taken blob, instead of its being removed. */
  readonly tag?: string | undefined;
  /** Whether a blob is leased while it is taken. */
  readonly lease?: boolean | undefined;
}

/** Seconds for which a lease is asked, and milliseconds after which it is asked for again. */
const LEASE = 60;
const RENEWAL = 20_000;
/** How often the server is asked whether a copy is done. */
const COPY_PAUSE = 500;

/** The blobs of a container as files. */
export class AzureStore implements ObjectStore<Writing> {
  readonly keepsFresh = true;
  readonly #client: AzureClient;
  readonly #taking: Taking;
  /** One for all leases of this store: asked for again, a blob that it holds is leased for longer. */
  readonly #lease = randomUUID();
  readonly #leased = new Set<string>();

  constructor(client: AzureClient, taking: Taking = {}) {
    this.#client = client;
    this.#taking = taking;
  }

  get as(): string {
    return this.#client.as;
  }

  async look(): Promise<void> {
    await this.#client.tell('GET', { query: { ...LIST, maxresults: '1' } });
  }

  async list(folder: string): Promise<readonly Listed[]> {
    const prefix = objectPrefix(folder);
    const { tag } = this.#taking;
    const entries: Listed[] = [];
    let marker = '';
    do {
      const query = {
        ...LIST,
        delimiter: '/',
        ...(prefix !== '' && { prefix }),
        ...(tag !== undefined && { include: 'tags' }),
        ...(marker !== '' && { marker }),
      };
      const page = await this.#client.whole('GET', { query });
      const { entries: found, next } = listedBlobs(
        page.toString('utf8').replace(/^\uFEFF/, ''),
        prefix,
      );
      entries.push(...found);
      marker = next;
    } while (marker !== '');
    return tag === undefined ? entries : entries.filter((one) => !isTaken(one, tag));
  }

  facts(path: string): Promise<FileFacts | undefined> {
    return unlessMissing(this.#client.tell('HEAD', { key: objectKey(path) }).then(factsIn));
  }

  async *read(path: string, expected: FileFacts): AsyncGenerator<Uint8Array, void, undefined> {
    const key = objectKey(path);
    const renew = this.#taking.lease === true ? await this.#leaseOf(key) : undefined;
    const { headers, body } = await this.#client.ask('GET', { key, headers: asExpected(expected) });
    const chunks = this.#client.chunks(body);
    try {
      const { size, modified } = factsIn(headers);
      if (size !== expected.size || modified !== expected.modified) throw changedObject();
      for await (const chunk of ofSize(chunks, size)) {
        yield chunk;
        await renew?.();
      }
    } finally {
      await chunks.return();
      // a generator that never started does not run its `finally`
      body.on('error', () => undefined).destroy();
    }
  }

  /** Leases a blob; returns what keeps the lease, to be called again and again. */
  async #leaseOf(key: string): Promise<() => Promise<void>> {
    const acquire = async (): Promise<number> => {
      await this.#client.tell('PUT', {
        key,
        query: { comp: 'lease' },
        headers: {
          'x-ms-lease-action': 'acquire',
          'x-ms-lease-duration': String(LEASE),
          'x-ms-proposed-lease-id': this.#lease,
        },
      });
      return performance.now();
    };
    let since = await acquire();
    this.#leased.add(key);
    return async () => {
      if (performance.now() - since > RENEWAL) since = await acquire();
    };
  }

  write(path: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    return this.put(path, body, {}, signal);
  }

  put(
    path: string,
    body: AsyncIterable<Uint8Array>,
    writing: Writing,
    signal: AbortSignal,
  ): Promise<void> {
    const key = objectKey(path);
    const { contentType, fresh, encryptionScope } = writing;
    const scope = {
      ...(encryptionScope !== undefined && { 'x-ms-encryption-scope': encryptionScope }),
    };
    const headers = {
      ...scope,
      ...(contentType !== undefined && { 'x-ms-blob-content-type': contentType }),
      ...(fresh === true && { 'if-none-match': '*' }),
    };
    return putInParts(body, {
      whole: async (bytes) => {
        const typed = { ...headers, 'x-ms-blob-type': 'BlockBlob' };
        await this.#client.tell('PUT', { key, headers: typed, body: bytes, signal });
      },
      upload: async () => this.#upload(key, { headers, scope, signal }),
    });
  }

  /** The server itself forgets blocks that are not completed, after a week. */
  #upload(
    key: string,
    {
      headers,
      scope,
      signal,
    }: {
      readonly headers: Readonly<Record<string, string>>;
      readonly scope: Readonly<Record<string, string>>;
      readonly signal: AbortSignal;
    },
  ): Upload {
    // no other try has blocks of these names
    const upload = randomUUID();
    const ids: string[] = [];
    return {
      part: async (body, number) => {
        const id = Buffer.from(`${upload} ${String(number).padStart(6, '0')}`).toString('base64');
        const query = { comp: 'block', blockid: id };
        await this.#client.tell('PUT', { key, query, headers: scope, body, signal });
        ids.push(id);
      },
      complete: async () => {
        const list = ids.map((id) => `<Latest>${id}</Latest>`).join('');
        const body = Buffer.from(
          `<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`,
        );
        await this.#client.tell('PUT', {
          key,
          query: { comp: 'blocklist' },
          headers,
          body,
          signal,
        });
      },
      abandon: () => Promise.resolve(),
    };
  }

  async rename(from: string, to: string, expected?: FileFacts): Promise<void> {
    await this.#move(from, to, { expected, headers: { 'if-none-match': '*' } });
  }

  async replace(from: string, to: string): Promise<void> {
    await this.#move(from, to, { expected: undefined, headers: {} });
  }

  /** A container cannot move: the blob is copied within the server, and then removed. */
  async #move(
    from: string,
    to: string,
    {
      expected,
      headers,
    }: {
      readonly expected: FileFacts | undefined;
      readonly headers: Readonly<Record<string, string>>;
    },
  ): Promise<void> {
    const [source, key] = [objectKey(from), objectKey(to)];
    if (source === key) throw takenName();
    const said = await this.#client.tell('PUT', {
      key,
      headers: {
        ...headers,
        'x-ms-copy-source': await this.#client.source(source),
        ...(expected?.version !== undefined && {
          'x-ms-source-if-match': `"${expected.version}"`,
        }),
      },
    });
    await this.#copied(key, said);
    await this.#delete(from, expected);
  }

  /** Copies within an account are done at once; another account's, or a very large one, takes its time. */
  async #copied(key: string, begun: AzureAnswer['headers']): Promise<void> {
    let said = begun;
    while (said['x-ms-copy-status'] === 'pending') {
      await sleep(COPY_PAUSE, undefined, { signal: this.#client.signal });
      said = await this.#client.tell('HEAD', { key });
    }
    const status = said['x-ms-copy-status'];
    if (status !== 'success') {
      throw new FileError('failed', `The server did not copy the blob (${status ?? 'no status'}).`);
    }
  }

  async remove(path: string, expected?: FileFacts): Promise<void> {
    const { tag } = this.#taking;
    if (tag === undefined) await this.#delete(path, expected);
    else await this.#mark(objectKey(path), tag, expected);
  }

  async #delete(path: string, expected: FileFacts | undefined): Promise<void> {
    const key = objectKey(path);
    const lease = this.#leased.has(key) ? { 'x-ms-lease-id': this.#lease } : {};
    const headers = { ...asExpected(expected), ...lease, 'x-ms-delete-snapshots': 'include' };
    await unlessMissing(this.#client.tell('DELETE', { key, headers }));
    this.#leased.delete(key);
  }

  /** Marks a blob as taken, with its ETag: one that is written again is another, though it may keep its tags. */
  async #mark(key: string, tag: string, expected: FileFacts | undefined): Promise<void> {
    const query = { comp: 'tags' };
    const lease = this.#leased.has(key) ? { 'x-ms-lease-id': this.#lease } : {};
    const facts = await this.facts(key);
    if (facts === undefined) return;
    const { version = facts.version ?? '' } = expected ?? {};
    if (version !== facts.version) throw changedObject();
    const before = await this.#client.whole('GET', { key, query });
    const tags = new Map(tagsIn(parseXml(before.toString('utf8').replace(/^\uFEFF/, '')).element));
    tags.set(tag, TAKEN).set(versionTag(tag), version);
    const headers = { ...lease, 'content-type': 'application/xml; charset=UTF-8' };
    await this.#client.tell('PUT', { key, query, headers, body: Buffer.from(tagsText(tags)) });
    this.#leased.delete(key);
  }

  /** A folder is there as soon as something is in it. */
  makeFolder(): Promise<void> {
    return Promise.resolve();
  }
}

const LIST = { restype: 'container', comp: 'list' };
const TAKEN = 'taken';

const versionTag = (tag: string): string => `${tag}-etag`;

const isTaken = ({ tags, version }: Listed, tag: string): boolean =>
  tags.get(tag) === TAKEN && tags.get(versionTag(tag)) === version;

function factsIn(headers: AzureAnswer['headers']): FileFacts & { readonly version: string } {
  return {
    size: Number(headers['content-length'] ?? 0),
    modified: wholeSeconds(new Date(headers['last-modified'] ?? 0)),
    version: versionOf(headers['etag'] ?? ''),
  };
}

const asExpected = (expected: FileFacts | undefined): Readonly<Record<string, string>> =>
  expected?.version === undefined ? {} : { 'if-match': `"${expected.version}"` };

/** One page of a listing. */
interface Page {
  readonly entries: readonly Listed[];
  /** Where the next page begins; `''` if there is none. */
  readonly next: string;
}

interface Listed extends FileEntry {
  readonly tags: ReadonlyMap<string, string>;
}

/** Reads the answer of *List Blobs* with the delimiter `/`; names are given without `prefix`. */
function listedBlobs(xml: string, prefix: string): Page {
  const { element } = parseXml(xml);
  const blobs = childOf(element, '', 'Blobs');
  if (blobs === undefined) return { entries: [], next: '' };
  const files = childrenOf(blobs, '', 'Blob')
    .filter((blob) => textAt(propertiesOf(blob), '', 'ResourceType') !== 'directory')
    .map((blob) => fileOf(blob, prefix));
  const folders = childrenOf(blobs, '', 'BlobPrefix').map((one): Listed => {
    const name = nameOf(one).slice(prefix.length, -1);
    return { name, kind: 'folder', size: 0, modified: 0, tags: new Map() };
  });
  // an empty blob may stand for the folder itself
  const entries = [...files, ...folders].filter(({ name }) => name !== '');
  return { entries, next: textAt(element, '', 'NextMarker') };
}

function fileOf(blob: XmlElement, prefix: string): Listed {
  const properties = propertiesOf(blob);
  return {
    name: nameOf(blob).slice(prefix.length),
    kind: 'file',
    size: Number(textAt(properties, '', 'Content-Length')),
    modified: wholeSeconds(new Date(textAt(properties, '', 'Last-Modified'))),
    version: versionOf(textAt(properties, '', 'Etag')),
    tags: tagsIn(childOf(blob, '', 'Tags')),
  };
}

const propertiesOf = (blob: XmlElement): XmlElement => childOf(blob, '', 'Properties') ?? blob;

/** A name that XML cannot hold comes encoded as in an address. */
function nameOf(one: XmlElement): string {
  const name = childOf(one, '', 'Name');
  if (name === undefined) return '';
  const text = textOf(name);
  return attributeOf(name, 'Encoded') === 'true' ? decodeURIComponent(text) : text;
}

/** An ETag without its quotes: listings have none. */
const versionOf = (etag: string): string => etag.replaceAll('"', '');

/** The tags of a blob, from the answer of *Get Blob Tags* or below a blob of a listing. */
function tagsIn(element: XmlElement | undefined): ReadonlyMap<string, string> {
  const set = childOf(element, '', 'TagSet');
  if (set === undefined) return new Map();
  return new Map(
    childrenOf(set, '', 'Tag').map((tag) => [textAt(tag, '', 'Key'), textAt(tag, '', 'Value')]),
  );
}

function tagsText(tags: ReadonlyMap<string, string>): string {
  const set = [...tags].map(
    ([key, value]) => `<Tag><Key>${escaped(key)}</Key><Value>${escaped(value)}</Value></Tag>`,
  );
  return `<?xml version="1.0" encoding="utf-8"?><Tags><TagSet>${set.join('')}</TagSet></Tags>`;
}
