import type { Socket } from 'node:net';
import type { Client, Entry } from 'ldapts';
import type { Address } from '../../adapter/setting.ts';
import { DisableError, NotConnectedError } from '../../error/adapter-error.ts';
import { Deadline } from '../../time/deadline.ts';
import { after } from '../../time/timer.ts';
import { dial, notConnected, placeOf } from '../dial.ts';
import { Heard } from '../heard.ts';
import { clientTls } from '../tls/client-tls.ts';
import { secured } from '../tls/secured.ts';
import type { TlsClientLent } from '../tls/tls-files.ts';
import { PUBLIC_TLS, type TlsClientSettings } from '../tls/tls-settings.ts';
import { LdapFailure, ldapFailure } from './ldap-failure.ts';
import { filterProblem } from './ldap-text.ts';
import { agreeToStartTls } from './start-tls.ts';

/** How a directory is reached. */
export interface LdapServer {
  readonly address: Address;
  /** `starttls` begins in plain text and sends nothing before TLS stands. */
  readonly security: LdapSecurity;
  readonly tls: TlsClientSettings | undefined;
  /** Milliseconds for connecting, and again for each request. */
  readonly timeout: number;
}

export type LdapSecurity = 'tls' | 'starttls' | 'none';

export interface LdapSearch {
  readonly base: string;
  readonly scope: 'base' | 'one' | 'sub';
  /** Already filled: see `filledFilter`. */
  readonly filter: string;
  readonly attributes: readonly string[];
  /** The search ends as soon as there are more entries. */
  readonly most: number;
  /** Entries per answer; 0 asks for all at once, which some servers limit. */
  readonly pageSize: number;
}

export interface LdapFound {
  readonly entries: readonly LdapEntry[];
  /** There are more than `most`. */
  readonly more: boolean;
  /** Other servers that hold a part of what was asked for, which are not asked. */
  readonly elsewhere: number;
}

/** An entry: its DN, and the values of its attributes, whose names are known in any case. */
export interface LdapEntry {
  readonly dn: string;
  values(attribute: string): readonly string[];
}

/** What a directory may send on one connection: more would fill the memory. */
const MOST_BYTES = 256 * 1024 * 1024;

/**
 * Connects to a directory; with TLS, once the server is verified. Throws NotConnectedError with the
 * cause in plain words.
 */
export async function connectLdap(
  lent: TlsClientLent,
  server: LdapServer,
  signal: AbortSignal,
): Promise<LdapConnection> {
  const { address, security, timeout } = server;
  const tls = security === 'tls' ? (server.tls ?? PUBLIC_TLS) : undefined;
  const plain = await dial(lent, { address, tls, timeout, startTlsPort: '389' }, signal);
  try {
    const socket = security === 'starttls' ? await startTls(lent, server, plain) : plain;
    return new LdapConnection(await clientOn(socket, server), socket, { server, signal });
  } catch (error) {
    plain.on('error', () => undefined).destroy();
    throw notConnected(error, placeOf(address));
  }
}

async function startTls(
  lent: TlsClientLent,
  { address, tls, timeout }: LdapServer,
  plain: Socket,
): Promise<Socket> {
  const place = placeOf(address);
  const heard = new Heard(plain);
  const deadline = new Deadline(timeout);
  const limit = after(deadline.left, () => plain.destroy());
  try {
    const agreed = await agreeToStartTls(heard).catch(() => {
      // the server ended the connection, or spoke another protocol: said below
      return undefined;
    });
    if (agreed === undefined) {
      throw new NotConnectedError(
        `${place} closed the connection when asked for StartTLS. If this is the port for TLS (636), use ldaps.`,
      );
    }
    if (!agreed || !heard.isEmpty) {
      throw new NotConnectedError(
        `${place} does not agree to StartTLS. Have it enabled there, or use ldaps (port 636); the password is not sent without encryption.`,
      );
    }
    heard.stop();
    return await secured(plain, await clientTls(lent, tls, address.host), deadline.left);
  } finally {
    limit.stop();
    heard.stop();
  }
}

/** The client, loaded now: most productions have no directory. */
async function clientOn(socket: Socket, { address, timeout }: LdapServer): Promise<Client> {
  const ldapts = await import('ldapts');
  let given = false;
  return new ldapts.Client({
    url: 'ldap://given',
    timeout,
    // it connects by itself where the connection was lost, which would be unverified and unbound
    createConnection: () => {
      if (given) throw new NotConnectedError(`${placeOf(address)} closed the connection.`);
      given = true;
      return socket;
    },
  });
}

/** A connection to a directory, used by one caller at a time. */
export class LdapConnection implements AsyncDisposable {
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #place: string;
  readonly #signal: AbortSignal;
  readonly #end = (): void => {
    this.#socket.destroy();
  };

  constructor(
    client: Client,
    socket: Socket,
    { server, signal }: { readonly server: LdapServer; readonly signal: AbortSignal },
  ) {
    this.#client = client;
    this.#place = placeOf(server.address);
    this.#socket = socket;
    this.#signal = signal;
    let bytes = 0;
    socket.on('data', ({ length }: Buffer) => {
      bytes += length;
      if (bytes > MOST_BYTES) this.#end();
    });
    signal.addEventListener('abort', this.#end, { once: true });
  }

  /** Signs in. Throws an LdapFailure that says why it was refused. */
  async bind(name: string, password: string): Promise<void> {
    // RFC 4513, 5.1.2: without a password every server says yes, to nobody
    if (password === '') {
      throw new LdapFailure({
        problem: 'sign-in',
        result: 49,
        what: 'the password is empty, with which a directory lets anybody in',
        remedy: 'Give a password',
      });
    }
    await this.#asked(() => this.#client.bind(name, password));
  }

  async search({
    base,
    scope,
    filter,
    attributes,
    most,
    pageSize,
  }: LdapSearch): Promise<LdapFound> {
    const problem = filterProblem(filter);
    if (problem !== undefined) throw new DisableError(`The filter ${problem}.`);
    const options = { scope, filter, attributes: [...attributes], timeLimit: 0 };
    const entries: LdapEntry[] = [];
    let elsewhere = 0;
    await this.#asked(async () => {
      if (pageSize === 0) {
        const found = await this.#client.search(base, options);
        for (const one of found.searchEntries) entries.push(new FoundEntry(one));
        elsewhere = found.searchReferences.length;
        return;
      }
      const pages = this.#client.searchPaginated(base, { ...options, paged: { pageSize } });
      for await (const { searchEntries, searchReferences } of pages) {
        for (const one of searchEntries) entries.push(new FoundEntry(one));
        elsewhere += searchReferences.length;
        if (entries.length > most) break;
      }
    });
    const more = entries.length > most;
    return { entries: more ? entries.slice(0, most) : entries, more, elsewhere };
  }

  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#end);
    // the server may be gone already, which is what is wanted
    await this.#client.unbind().catch(() => undefined);
    this.#socket.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #asked(ask: () => Promise<void>): Promise<void> {
    try {
      await ask();
    } catch (error) {
      this.#signal.throwIfAborted();
      throw ldapFailure(error, this.#place);
    }
  }
}

/** Reads an entry where it is asked: a table has very many of them. */
class FoundEntry implements LdapEntry {
  readonly #entry: Entry;

  constructor(entry: Entry) {
    this.#entry = entry;
  }

  get dn(): string {
    return this.#entry.dn;
  }

  values(attribute: string): readonly string[] {
    const name = Object.hasOwn(this.#entry, attribute) ? attribute : this.#named(attribute);
    const value = name === undefined ? [] : this.#entry[name];
    if (typeof value === 'string') return [value];
    return Array.isArray(value) ? value.map(textOf) : [textOf(value ?? '')];
  }

  /** The server may write the name with other capitals than it was asked for. */
  #named(attribute: string): string | undefined {
    const asked = attribute.toLowerCase();
    return Object.keys(this.#entry).find((name) => name.toLowerCase() === asked);
  }
}

const textOf = (value: string | Buffer): string =>
  typeof value === 'string' ? value : value.toString('base64');
