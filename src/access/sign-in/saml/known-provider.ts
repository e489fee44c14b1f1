import { readFile } from 'node:fs/promises';
import { type IdpMetadata, idpMetadata } from './idp-metadata.ts';
import { SamlProblem } from './saml-problem.ts';
import { isAddress } from './saml-settings.ts';

/** An identity provider's metadata, read again in time. */
export interface KnownProvider {
  /** Throws a SamlProblem where it cannot be read. */
  current(): Promise<IdpMetadata>;
  /** Once more from where it is, since a signature fits no key: keys are exchanged. The same if that was just done. */
  renewed(): Promise<IdpMetadata>;
}

const KEPT = 60 * 60_000;
/** A stranger must not make us fetch for each request. */
const AT_MOST_EVERY = 60_000;
const TIMEOUT = 10_000;
const LONGEST = 4 * 1024 * 1024;

export function knownProvider(metadata: string): KnownProvider {
  let known: Promise<IdpMetadata> | undefined;
  let at = 0;
  const load = (): Promise<IdpMetadata> => {
    at = Date.now();
    const before = known;
    const loading = (isAddress(metadata) ? fetched(metadata) : fromFile(metadata))
      .then(idpMetadata)
      .catch((error: unknown) => {
        // the provider may be away while people come back from it
        known = before;
        if (before !== undefined) return before;
        throw error;
      });
    known = loading;
    return loading;
  };
  const after = (time: number): Promise<IdpMetadata> =>
    known === undefined || Date.now() - at >= time ? load() : known;
  return {
    // a file is read each time: it is small, and whoever exchanges it need not restart anything
    current: () => after(isAddress(metadata) ? KEPT : 0),
    renewed: () => after(AT_MOST_EVERY),
  };
}

async function fromFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => {
    // node's own error: it is gone, or may not be read
    throw new SamlProblem(`the metadata ${path} cannot be read`, 'put the file there again');
  });
}

async function fetched(address: string): Promise<string> {
  const told = (why: string): SamlProblem =>
    new SamlProblem(
      `the metadata cannot be fetched from ${address}: ${why}`,
      'check the address and that it can be reached from here; or save it as a file',
    );
  const answer = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT) }).catch(
    (error: unknown) => {
      const { cause, name } = error as { cause?: { code?: unknown }; name?: unknown };
      throw told(String(cause?.code ?? name));
    },
  );
  if (!answer.ok) throw told(`status ${answer.status}`);
  const text = await answer.text();
  if (text.length > LONGEST) throw told('it is larger than 4 MB');
  return text;
}
