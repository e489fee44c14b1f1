import { readFile } from 'node:fs/promises';
import type { Agent } from 'undici';

/** A request to a provider, as `fetch` makes one. */
export type ProviderFetch = (url: string, options?: RequestInit) => Promise<Response>;

/** Bytes of an answer: the metadata of a federation fit. */
const LONGEST = 4 * 1024 * 1024;

/** Reads no more of an answer than a provider can have to say: one that never ends would fill the memory. */
export const briefly =
  (ask: ProviderFetch = fetch): ProviderFetch =>
  async (url, options) => {
    const { body, status, statusText, headers } = await ask(url, options);
    if (body === null) return new Response(null, { status, statusText, headers });
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of body as AsyncIterable<Uint8Array>) {
      size += part.byteLength;
      if (size > LONGEST) throw tooLong(url);
      parts.push(part);
    }
    const isEmpty = status === 204 || status === 205 || status === 304;
    return new Response(isEmpty ? null : Buffer.concat(parts), { status, statusText, headers });
  };

/** With the code that undici has for it. */
const tooLong = (url: string): Error =>
  Object.assign(new Error(`the answer of ${new URL(url).host} is longer than 4 MiB`), {
    code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE',
  });

/**
 * Asks a provider whose certificate is signed by an authority of one's own: its file (PEM) is read with each request, so
 * that a renewed one counts. Rejects with the file's error (ENOENT) if it cannot be read.
 */
export function trustingFetch(file: string): ProviderFetch {
  let known: { readonly ca: string; readonly agent: Agent } | undefined;
  return async (url, options) => {
    const library = await import('undici');
    const ca = await readFile(file, 'utf8');
    if (known?.ca !== ca) {
      const before = known?.agent;
      known = { ca, agent: new library.Agent({ connect: { ca } }) };
      await before?.close();
    }
    const given = { ...options, dispatcher: known.agent } as Parameters<typeof library.fetch>[1];
    // the same interface, declared twice
    return (await library.fetch(url, given)) as unknown as Response;
  };
}
