import type { CertificateFacts } from '../../adapter/certificate-facts.ts';
import type { Logger } from '../../log/logger.ts';
import type { Clock } from '../../time/clock.ts';
import type { LoadedCertificate } from '../certificate.ts';
import { credentialEvents } from '../credential-events.ts';
import type { EntryReader } from '../entry-reader.ts';
import type { OAuth2Values } from '../kind/oauth2-settings.ts';
import { readPem } from '../read-pem.ts';
import { assertionKey } from './assertion-key.ts';
import type { ServerMemory, TokenParts } from './token-parts.ts';
import { type TokenProvider, tokenProvider } from './token-provider.ts';
import { tokenSource } from './token-source.ts';

export interface TokenProvidersParts {
  readonly reader: EntryReader;
  readonly certificate: (name: string) => Promise<LoadedCertificate>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told of each certificate that a token server shows, and to which credential. */
  readonly peerCertificate?:
    | ((credential: string, name: string, certificate: CertificateFacts) => void)
    | undefined;
}

/** The token providers of a production, one for each credential of kind `oauth2`, made when it is first used. */
export interface TokenProviders {
  of(name: string): TokenProvider;
  /** The client behind a credential of kind `oauth2`, for questions that are not for a token. */
  client(name: string, memory: ServerMemory): Promise<readonly [OAuth2Values, TokenParts]>;
  /** Reads all that a token request would need. Rejects with a CredentialError. */
  check(name: string): Promise<void>;
  /** Closes those of the names; the next who asks gets a new one. */
  forget(which: (name: string) => boolean): Promise<void>;
}

export function tokenProviders(parts: TokenProvidersParts): TokenProviders {
  const { reader, certificate, clock, log, environment } = parts;
  const providers = new Map<string, TokenProvider>();

  const read = async (
    name: string,
    memory: ServerMemory,
  ): Promise<readonly [OAuth2Values, TokenParts]> => {
    const values = await reader.readKind(name, 'oauth2', 'a token');
    const trust = values.trust && (await readPem(name, 'trust', values.trust)).text;
    const events = credentialEvents(log, name);
    const seen = { peerCertificate: parts.peerCertificate?.bind(undefined, name) };
    const about = { credential: name, clock, events, memory };
    return [values, { ...about, trust, environment, certificate, ...seen }];
  };

  const provider = (name: string): TokenProvider => {
    const memory: ServerMemory = { skew: 0 };
    // The values are read for each request: a rotated secret or certificate is in the next one.
    const source = {
      fetch: async (signal: AbortSignal) =>
        tokenSource(...(await read(name, memory))).fetch(signal),
    };
    return tokenProvider(source, { credential: name, clock, events: credentialEvents(log, name) });
  };

  return {
    client: read,
    of(name) {
      const known = providers.get(name) ?? provider(name);
      providers.set(name, known);
      return known;
    },
    async check(name) {
      const [{ authentication }] = await read(name, { skew: 0 });
      const { privateKeyJwt, certificate: own, mutualTls } = authentication ?? {};
      if (privateKeyJwt !== undefined) await assertionKey(name, privateKeyJwt);
      for (const one of [own, mutualTls]) if (one !== undefined) await certificate(one);
    },
    async forget(which) {
      const closing = [...providers].filter(([name]) => which(name));
      for (const [name] of closing) providers.delete(name);
      await Promise.all(closing.map(([, one]) => one.close()));
    },
  };
}
