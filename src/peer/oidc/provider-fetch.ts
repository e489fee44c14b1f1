import { readFile } from 'node:fs/promises';
import type { Agent } from 'undici';

/** A request to a provider, as `fetch` makes one. */
export type ProviderFetch = (url: string, options?: RequestInit) => Promise<Response>;

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
