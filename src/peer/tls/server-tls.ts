import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type StatsListener, unwatchFile, watchFile } from 'node:fs';
import { createSecureContext, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import {
  type CertificateFacts,
  certificateFacts,
  describeCertificate,
} from '../../adapter/certificate-facts.ts';
import { background } from '../../error/background.ts';
import { EngineError } from '../../error/engine-error.ts';
import { connectionCause } from '../connection-cause.ts';
import { newsFilter } from '../news.ts';
import { isAllowed } from './allowed-name.ts';
import { coded } from './coded.ts';
import { type Expiring, ExpiryWatch, expiringCertificate, expiringList } from './expiry-watch.ts';
import { pemCertificates } from './pem-certificates.ts';
import { isRevoked, listsOf, nextUpdate, revokedBy } from './revocation-list.ts';
import { readTlsFiles, type TlsFiles, type TlsLent } from './tls-files.ts';
import type { TlsServerSettings } from './tls-settings.ts';

const HANDSHAKE_TIMEOUT = 10_000;

/** The TLS side of one listener: options, who may connect, renewal without a restart. */
export interface ServerTls {
  /** For `tls.createServer` and `https.createServer`. */
  readonly options: TlsOptions;
  /**
   * Whether the client behind the socket may stay. Call it first in every connection (or request; a
   * second call is cheap) and return at once if it is false: the socket is then destroyed, and who
   * was refused and why is reported.
   */
  admits(socket: TLSSocket): boolean;
  /** The certificate an admitted client showed, if it showed one. */
  client(socket: TLSSocket): CertificateFacts | undefined;
  /** Handles the server's handshake errors and renews its certificate when the files change. Call once. */
  follow(server: Server): void;
  /** The certificate in use. */
  readonly certificate: CertificateFacts;
  /** Stops watching the files. */
  close(): void;
}

/**
 * Reads and validates the `tls` block of a listener. Throws TLS_REFUSED if it cannot work. `every`:
 * milliseconds between two looks at the files.
 *
 * The server does not reject clients itself (`rejectUnauthorized: false`): node would only say
 * "socket hang up". `admits` makes the same decision, and says who and why.
 *
 * One long function, since all it returns works on the certificate in use.
 */
// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export async function serverTls(
  lent: TlsLent,
  settings: TlsServerSettings,
  every = LOOK_EVERY,
): Promise<ServerTls> {
  const refusals = new Refusals(lent);
  const expiry = new ExpiryWatch(lent);
  let shown = await load(lent, settings);
  let files: { close(): void } | undefined;
  const watchExpiry = (): void => expiry.watch(expiring(shown));
  watchExpiry();

  const reload = async (server: Server): Promise<void> => {
    try {
      const next = await load(lent, settings);
      server.setSecureContext(next.options);
      shown = next;
      watchExpiry();
      lent.event('info', 'certificate-renewed', describeCertificate(next.certificate));
      endRevoked(next.crl);
    } catch (error) {
      const text =
        error instanceof EngineError
          ? error.message
          : connectionCause(error, 'this listener').cause;
      lent.event('error', 'certificate-not-renewed', `${text} The certificate in use is kept.`);
      lent.log.error({ err: error }, 'certificate not renewed');
    }
  };

  const judged = new WeakMap<TLSSocket, Judgement>();
  const open = new Map<TLSSocket, readonly X509Certificate[]>();
  // Senders keep their connections for months, and a handshake alone asks for the list.
  const endRevoked = (crl: Buffer | undefined): void => {
    const revoked = crl === undefined ? undefined : revokedBy(crl);
    for (const [socket, chain] of revoked === undefined ? [] : open) {
      if (!chain.some((one) => isRevoked(one, revoked ?? new Map()))) continue;
      refusals.report(addressOf(socket), coded('CERT_REVOKED', chain[0]));
      socket.destroy();
    }
  };
  return {
    options: shown.options,
    get certificate() {
      return shown.certificate;
    },
    admits(socket) {
      const known = judged.get(socket);
      if (known !== undefined) return known.refused === undefined;
      const judgement = judge(socket, settings);
      judged.set(socket, judgement);
      const { client } = judgement;
      if (client !== undefined) lent.peerCertificate?.(client.subject, client);
      if (judgement.refused === undefined) {
        const { chain = [] } = judgement;
        if (chain.length > 0)
          open.set(
            socket.once('close', () => open.delete(socket)),
            chain,
          );
        return true;
      }
      refusals.report(addressOf(socket), judgement.refused);
      socket.destroy();
      return false;
    },
    client: (socket) => judged.get(socket)?.client,
    follow(server) {
      server.on('tlsClientError', (error, socket) => refusals.report(addressOf(socket), error));
      files = watchFiles(
        shown.watched,
        () => background(reload(server), 'renewing a certificate'),
        every,
      );
    },
    close() {
      files?.close();
      expiry.close();
    },
  };
}

interface Loaded {
  readonly options: TlsOptions;
  readonly certificate: CertificateFacts;
  readonly crl: Buffer | undefined;
  readonly authorities: readonly X509Certificate[];
  readonly watched: readonly string[];
}

/** Reads all files and checks that they fit together, so that a bad renewal never replaces a good certificate. */
async function load(lent: TlsLent, settings: TlsServerSettings): Promise<Loaded> {
  const files = await readTlsFiles(lent, settings);
  const { own, ca, crl } = files;
  if (own === undefined) throw new EngineError('TLS_REFUSED', 'tls.certificate is missing.');
  checkPair(files, settings.certificate);
  const options: TlsOptions = {
    cert: own.certificate,
    key: own.key,
    ...(own.passphrase !== undefined && { passphrase: own.passphrase }),
    ...(ca !== undefined && { ca }),
    ...(crl !== undefined && { crl: listsOf(crl) }),
    ...(settings.ciphers !== undefined && { ciphers: settings.ciphers }),
    minVersion: settings.minimum,
    requestCert: settings.clientCertificate !== 'none',
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT,
  };
  try {
    createSecureContext(options);
  } catch (cause) {
    throw new EngineError('TLS_REFUSED', `tls: ${codeText(cause)} when the settings were tried.`, {
      cause,
      retryable: true,
    });
  }
  return {
    options,
    certificate: certificateFacts(own.certificate),
    crl,
    authorities: ca === undefined ? [] : certificatesOf(ca),
    watched: files.watched,
  };
}

/** Whether certificate and key do not belong together, as in the middle of a renewal. */
function checkPair({ own }: TlsFiles, name: string): void {
  let certificate: X509Certificate;
  let key: KeyObject;
  try {
    certificate = new X509Certificate(own?.certificate ?? '');
    key = createPrivateKey({ key: own?.key ?? '', passphrase: own?.passphrase ?? '' });
  } catch (cause) {
    throw new EngineError(
      'TLS_REFUSED',
      `tls.certificate: ${name} cannot be read as a certificate with its key (${codeText(cause)}).`,
      { retryable: true },
    );
  }
  if (certificate.checkPrivateKey(key)) return;
  throw new EngineError(
    'TLS_REFUSED',
    `tls.certificate: the key of ${name} does not belong to its certificate. Put both files of the same renewal in place.`,
    { retryable: true },
  );
}

function codeText(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : 'unreadable';
}

function certificatesOf(pem: Buffer): X509Certificate[] {
  return pemCertificates(pem.toString('latin1')).map((block) => new X509Certificate(block));
}

function expiring({ certificate, authorities, crl }: Loaded): Expiring[] {
  const list = crl === undefined ? undefined : nextUpdate(crl);
  return [
    expiringCertificate('own', 'our certificate', certificate),
    ...authorities.map((one) =>
      expiringCertificate('authority', 'the authority', certificateFacts(one)),
    ),
    ...(list === undefined ? [] : [expiringList('the revocation list named by tls.crl', list)]),
  ];
}

interface Judgement {
  readonly client?: CertificateFacts | undefined;
  /** The client's certificate and those that it was checked by. */
  readonly chain?: readonly X509Certificate[];
  /** Why the client is refused, with node's code. */
  readonly refused?: Error | undefined;
}

function judge(socket: TLSSocket, settings: TlsServerSettings): Judgement {
  if (settings.clientCertificate === 'none') return {};
  // Asked for once: node 24 gives undefined the second time.
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) {
    return settings.clientCertificate === 'requested'
      ? {}
      : { refused: coded('PEER_DID_NOT_RETURN_A_CERTIFICATE', certificate) };
  }
  const code = refusalCode(socket, certificate, settings);
  return code === undefined
    ? { client: certificateFacts(certificate), chain: chainOf(certificate) }
    : { refused: coded(code, certificate) };
}

/** A root is issued by itself. */
function chainOf(certificate: X509Certificate): readonly X509Certificate[] {
  const chain = [certificate];
  for (
    let next = certificate.issuerCertificate;
    next !== undefined;
    next = next.issuerCertificate
  ) {
    if (chain.some(({ fingerprint256 }) => fingerprint256 === next?.fingerprint256)) break;
    chain.push(next);
  }
  return chain;
}

function refusalCode(
  socket: TLSSocket,
  certificate: X509Certificate,
  { allow }: TlsServerSettings,
): string | undefined {
  if (!socket.authorized) return String(socket.authorizationError);
  // A resumed session was checked when it began; its certificate may have expired since.
  if (Date.parse(certificate.validTo) < Date.now()) return 'CERT_HAS_EXPIRED';
  return allow.length > 0 && !isAllowed(allow, certificate) ? 'WAYBILL_NOT_ALLOWED' : undefined;
}

function addressOf(socket: TLSSocket): string {
  return socket.remoteAddress ?? 'a client that is gone';
}

/** How often files are checked, in milliseconds. */
const LOOK_EVERY = 5_000;

/**
 * Calls `changed` after any of the files was replaced or written; never keeps the process alive.
 * Polls, since file system notifications get lost on mounted secrets and on shares.
 */
function watchFiles(
  paths: readonly string[],
  changed: () => void,
  every = LOOK_EVERY,
): { close(): void } {
  const listener: StatsListener = (now, before) => {
    if (now.mtimeMs !== before.mtimeMs || now.size !== before.size || now.ino !== before.ino) {
      changed();
    }
  };
  const watched = new Set(paths);
  for (const path of watched) watchFile(path, { interval: every, persistent: false }, listener);
  return {
    close() {
      for (const path of watched) unwatchFile(path, listener);
    },
  };
}

/** Where the words for a listening peer do not fit a client. */
const OF_CLIENTS: readonly (readonly [RegExp, cause: string, remedy: string])[] = [
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|RECORD_TOO_SMALL/,
    'it sent plain text to a port that speaks TLS',
    'Switch on TLS at the client, or remove tls from the settings',
  ],
  [
    /PEER_DID_NOT_RETURN_A_CERTIFICATE/,
    'it sent no certificate',
    'Give the client its certificate and key, or set clientCertificate to requested',
  ],
  [
    /HANDSHAKE_TIMEOUT/,
    'it did not finish the TLS handshake in time',
    'Switch on TLS at the client, or remove tls from the settings',
  ],
];

/**
 * Reports refused clients: who and why. The same client refused for the same reason is reported once
 * a minute, so that a misconfigured or hostile one cannot fill the event log.
 */
class Refusals {
  readonly #lent: Pick<TlsLent, 'event' | 'log'>;
  readonly #isNews = newsFilter();

  constructor(lent: Pick<TlsLent, 'event' | 'log'>) {
    this.#lent = lent;
  }

  /** `error` as `connectionCause` expects it: with node's code, and the certificate if there was one. */
  report(peer: string, error: Error): void {
    const { certificate } = error as { certificate?: X509Certificate };
    const code = (error as { code?: string }).code ?? error.name;
    // Load balancers and port scans connect and leave; that is not news.
    if (code === 'ECONNRESET')
      return this.#lent.log.debug({ peer }, 'client left in the handshake');
    // whose authority was checked; others can make as many as they like
    const known = code === 'WAYBILL_NOT_ALLOWED' ? certificate?.fingerprint256 : undefined;
    if (!this.#isNews([peer, code, known].join(' '))) return;
    const { cause, remedy } = clientCause(error, code, peer);
    const who = certificate === undefined ? '' : ` (${certificateFacts(certificate).subject})`;
    this.#lent.event('warn', 'refused', `Refused ${peer}${who}: ${cause}. ${remedy}.`);
    this.#lent.log.warn({ peer, reason: code }, 'client refused');
  }
}

function clientCause(error: Error, code: string, peer: string): { cause: string; remedy: string } {
  const [, cause, remedy] = OF_CLIENTS.find(([pattern]) => pattern.test(code)) ?? [];
  return cause !== undefined && remedy !== undefined
    ? { cause, remedy }
    : connectionCause(error, peer);
}
