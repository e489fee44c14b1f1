import type { X509Certificate } from 'node:crypto';
import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { type CertificateFacts, certificateFacts, dateText } from '../adapter/certificate-facts.ts';
import { describeError, EngineError } from '../error/engine-error.ts';
import { isSystemError, tolerate } from '../error/foreseen.ts';
import { certificateRequest, type RequestOrder } from './certificate-request.ts';
import { type Entries, type KeyPlace, keyPlaces } from './key-places.ts';
import { certificateChain, privateKey } from './read-pem.ts';

/** Order of a private key, and of a request for its certificate. */
export interface KeyOrder extends RequestOrder {
  /** The credential whose key and certificate they will be; it need not exist yet. */
  readonly name: string;
}

/** A key that waits for its certificate; the key itself never leaves the machine. */
export interface WaitingKey extends KeyOrder {
  /** For the authority: PKCS#10, PEM. */
  readonly request: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** The files that certificate and key will have, below the production's folder. */
  readonly files: { readonly certificate: string; readonly key: string };
  /** There is no such credential in the production that runs. */
  readonly isNew: boolean;
}

export interface CertificateOrder {
  readonly name: string;
  /** The certificate and its intermediates, PEM, in any order. */
  readonly certificate: string;
}

export interface TakenCertificate extends Pick<WaitingKey, 'files' | 'isNew'> {
  readonly subject: string;
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly notAfter: number;
  /** What is odd about it, though it was taken; full sentences. */
  readonly notes: readonly string[];
}

/**
 * Makes private keys on this machine and takes the certificates for them. A key waits beside the one in use, so that nothing
 * changes until its certificate is there; whoever uses the files reads them again then.
 */
export interface KeyDesk {
  waiting(): Promise<readonly WaitingKey[]>;
  /** Throws CONFIG_INVALID if there is no place for it, or one waits already. */
  make(order: KeyOrder): Promise<WaitingKey>;
  /** Checks a certificate against the waiting key, and uses both. Throws CREDENTIAL_REFUSED with the check that failed. */
  take(order: CertificateOrder): Promise<TakenCertificate>;
  /** False if none waits. */
  discard(name: string): Promise<boolean>;
}

export interface KeyDeskParts {
  /** The production's folder. */
  readonly folder: string;
  /** The credentials as they are now. */
  readonly entries: () => Promise<Entries>;
  readonly now?: () => number;
}

export function keyDesk({ folder, entries, now = Date.now }: KeyDeskParts): KeyDesk {
  const places = keyPlaces(folder, entries);
  const found = async (name: string): Promise<readonly [KeyPlace, Kept]> => {
    const place = await places.of(name);
    const kept = await keptIn(place);
    if (kept !== undefined) return [place, kept];
    throw new EngineError('NOT_FOUND', `no key waits for a certificate of ${name}`);
  };
  return {
    async waiting() {
      const all = await Promise.all(
        (await places.all()).map(async (place) => {
          const kept = await keptIn(place);
          return kept && waitingKey(place, kept);
        }),
      );
      return all.filter((one) => one !== undefined);
    },
    async make(order) {
      const place = await places.of(order.name);
      const { key, request } = made(order);
      const { commonName, names, keys } = order;
      const since = now();
      const head = JSON.stringify({ commonName, names, keys, since } satisfies Omit<
        Kept,
        'key' | 'request'
      >);
      await places.prepare(place);
      await writeFile(place.next, `${head}\n${key}${request}`, { mode: 0o600, flag: 'wx' }).catch(
        (error: unknown) => {
          throw notKept(error, order.name);
        },
      );
      return waitingKey(place, { commonName, names, keys, since, key, request });
    },
    async take({ name, certificate }) {
      const [place, kept] = await found(name);
      const chain = ordered(name, certificate, kept.key);
      const [own] = chain;
      checkTimes(name, own, now());
      await exchange(place, chain.map(String).join(''), kept.key);
      const facts = certificateFacts(own);
      return {
        files: place.shown,
        isNew: place.isNew,
        subject: facts.subject,
        names: facts.names,
        notAfter: facts.notAfter.getTime(),
        notes: notesOn(facts, chain, kept),
      };
    },
    async discard(name) {
      const place = await places.of(name);
      if ((await keptIn(place)) === undefined) return false;
      await rm(place.next);
      return true;
    },
  };
}

/** What the file of a waiting key holds. */
interface Kept extends RequestOrder {
  readonly since: number;
  readonly key: string;
  readonly request: string;
}

async function keptIn({ next }: KeyPlace): Promise<Kept | undefined> {
  const text = await readFile(next, 'utf8').catch((error: unknown) =>
    tolerate(error, (one) => isSystemError(one, 'ENOENT', 'ENOTDIR'), 'reading a waiting key'),
  );
  if (text === undefined) return undefined;
  const [head = '', ...rest] = text.split('\n');
  const pem = rest.join('\n');
  const at = pem.indexOf('-----BEGIN CERTIFICATE REQUEST-----');
  const told = JSON.parse(head) as Omit<Kept, 'key' | 'request'>;
  return { ...told, key: pem.slice(0, at), request: pem.slice(at) };
}

const waitingKey = ({ name, shown, isNew }: KeyPlace, { key: _, ...kept }: Kept): WaitingKey => ({
  name,
  ...kept,
  files: shown,
  isNew,
});

function made(order: KeyOrder): ReturnType<typeof certificateRequest> {
  try {
    return certificateRequest(order);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new EngineError(
      'CONFIG_INVALID',
      `${error.message}: write a name such as DNS:hub.example`,
    );
  }
}

function notKept(error: unknown, name: string): EngineError {
  return isSystemError(error, 'EEXIST')
    ? new EngineError(
        'CONFIG_INVALID',
        `a key waits already for a certificate of ${name}: upload that, or discard the key`,
      )
    : new EngineError(
        'CONFIG_INVALID',
        `the key cannot be written (${describeError(error).code}): give the account that Waybill runs under the right to write into the production's folder`,
      );
}

const refused = (name: string, what: string): EngineError =>
  new EngineError('CREDENTIAL_REFUSED', `${name}: ${what}`);

/** Our own certificate first, then those that lead to its authority. */
function ordered(name: string, text: string, key: string): [X509Certificate, ...X509Certificate[]] {
  if (/-----BEGIN PKCS7-----/.test(text)) {
    throw refused(
      name,
      'this is PKCS#7 (.p7b): convert it with openssl pkcs7 -print_certs -in file.p7b, and upload what that writes',
    );
  }
  const given = certificateChain(name, 'the file', text);
  const opened = privateKey(name, 'key', { text: key, passphrase: undefined });
  const own = given.find((one) => one.checkPrivateKey(opened));
  if (own === undefined) {
    throw refused(
      name,
      'no certificate of the file belongs to the key that waits: it may answer an earlier request, or be that of another machine',
    );
  }
  if (own.ca)
    throw refused(name, 'this is the certificate of an authority, not of a server or client');
  const chain: [X509Certificate, ...X509Certificate[]] = [own];
  let rest = given.filter((one) => one !== own);
  for (let last: X509Certificate = own; ; ) {
    const issuer = rest.find((one) => isIssuedBy(last, one));
    if (issuer === undefined) break;
    chain.push(issuer);
    rest = rest.filter((one) => one !== issuer);
    last = issuer;
  }
  const [stray] = rest;
  if (stray === undefined) return chain;
  throw refused(
    name,
    `${certificateFacts(stray).subject} does not belong to the chain of the certificate: leave it out, or add what is missing between`,
  );
}

const isIssuedBy = (one: X509Certificate, issuer: X509Certificate): boolean =>
  one.checkIssued(issuer) && one.verify(issuer.publicKey);

function checkTimes(name: string, own: X509Certificate, now: number): void {
  const { notBefore, notAfter } = certificateFacts(own);
  if (notAfter.getTime() <= now)
    throw refused(name, `the certificate ended on ${dateText(notAfter)}`);
  if (notBefore.getTime() > now) {
    throw refused(
      name,
      `the certificate begins on ${notBefore.toISOString()}, and here it is ${new Date(now).toISOString()}: upload it then, or compare the clocks`,
    );
  }
}

function notesOn(
  { names, issuer, subject }: CertificateFacts,
  chain: readonly X509Certificate[],
  kept: Kept,
): string[] {
  const missing = kept.names.filter((one) => !names.includes(one));
  const isAlone = chain.length === 1 && subject !== issuer;
  return [
    ...(missing.length === 0
      ? []
      : [
          `It lacks names that were asked for: ${missing.join(', ')}. Peers that connect to these refuse it.`,
        ]),
    ...(isAlone
      ? [`No intermediate came with it. Peers that do not trust ${issuer} itself refuse it.`]
      : []),
  ];
}

/** The pair before stays beside it, for whoever must go back. */
async function exchange(place: KeyPlace, certificate: string, key: string): Promise<void> {
  const { certificateFile, keyFile, next } = place;
  for (const file of [certificateFile, keyFile]) {
    await copyFile(file, `${file}.before`).catch((error: unknown) =>
      tolerate(error, (one) => isSystemError(one, 'ENOENT'), 'keeping the certificate before'),
    );
  }
  const written = [
    [certificateFile, certificate, 0o644],
    [keyFile, key, 0o600],
  ] as const;
  for (const [file, text, mode] of written) {
    await writeFile(`${file}.waybill-new`, text, { mode, flush: true });
  }
  // together: who reads between them finds a pair that does not fit, and reads again
  for (const [file] of written) await rename(`${file}.waybill-new`, file);
  await rm(next);
}
