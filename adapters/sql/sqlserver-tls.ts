import type { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { NotConnectedError } from 'waybill/adapter';
import { notConnected, type Talk } from 'waybill/peer/basics';

/** The name of TDS 8 in the handshake. */
export const TDS_8 = 'tds/8.0';

/** A pre-login packet (MS-TDS 2.2.3.1): the hello, its answer, and the handshake. */
const PRELOGIN = 0x12;
const END_OF_MESSAGE = 1;
const HEADER = 8;
const MOST_IN_PACKET = 4_088;

const ENCRYPTION = 1;
const TERMINATOR = 0xff;
const ON = 1;
const REQUIRED = 3;

function packet(payload: Uint8Array, isLast: boolean): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt8(PRELOGIN, 0);
  header.writeUInt8(isLast ? END_OF_MESSAGE : 0, 1);
  header.writeUInt16BE(HEADER + payload.length, 2);
  return Buffer.concat([header, payload]);
}

/** The hello of the protocol: our version, and that we want encryption. */
const HELLO = Buffer.from([
  0,
  0,
  11,
  0,
  6,
  ENCRYPTION,
  0,
  17,
  0,
  1,
  TERMINATOR,
  0,
  0,
  0,
  0,
  0,
  0,
  ON,
]);

/** Asks a server to switch to TLS, as in TDS 7; false if it has none or is something else. */
export async function agreeToTls(talk: Talk): Promise<boolean> {
  talk.send(packet(HELLO, true));
  const header = await talk.bytes(HEADER);
  const length = header.readUInt16BE(2) - HEADER;
  if (length <= 0) return false;
  const answer = await talk.bytes(length);
  for (let at = 0; at + 5 <= answer.length && answer[at] !== TERMINATOR; at += 5) {
    if (answer[at] !== ENCRYPTION) continue;
    const value = answer[answer.readUInt16BE(at + 1)];
    return value === ON || value === REQUIRED;
  }
  return false;
}

/** TDS 7 has the handshake inside its own packets: what is written here is wrapped in them, what is read is unwrapped. */
export function handshakeInside(socket: Socket): Duplex {
  let heard = Buffer.alloc(0);
  const inside = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _, done) => {
      socket.write(packets(chunk), done);
    },
    writev: (chunks, done) => {
      socket.write(packets(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer))), done);
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (bytes: Buffer) => {
    heard = Buffer.concat([heard, bytes]);
    while (heard.length >= HEADER && heard.length >= heard.readUInt16BE(2)) {
      const end = Math.max(HEADER, heard.readUInt16BE(2));
      inside.push(heard.subarray(HEADER, end));
      heard = heard.subarray(end);
    }
  });
  socket.on('close', () => inside.push(null)).resume();
  return inside;
}

function packets(payload: Buffer): Buffer {
  const all: Buffer[] = [];
  for (let at = 0; at < payload.length; at += MOST_IN_PACKET) {
    const isLast = at + MOST_IN_PACKET >= payload.length;
    all.push(packet(payload.subarray(at, at + MOST_IN_PACKET), isLast));
  }
  return Buffer.concat(all);
}

/** The TLS options for the driver; the rest is checked by `proven`. */
export const driverTls = ({
  ca,
  crl,
  cert,
  key,
  passphrase,
  ciphers,
  minVersion,
}: ConnectionOptions): object =>
  Object.fromEntries(
    Object.entries({ ca, crl, cert, key, passphrase, ciphers, minVersion }).filter(
      ([, value]) => value !== undefined,
    ),
  );

/** Only the name may be judged differently from the driver: by `serverName`, `verifyName` and `allow`. */
const NAME_PROBLEM = 'ERR_TLS_CERT_ALTNAME_INVALID';

/** Throws if the server is not verified; nothing but the handshake has been sent so far. */
export function proven(socket: TLSSocket, options: ConnectionOptions, place: string): void {
  if (options.rejectUnauthorized === false) return;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) throw notConnected(coded('ERR_SSL_NO_CERTIFICATE'), place);
  const code = codeOf(socket.authorizationError);
  const problem =
    code === undefined || code === NAME_PROBLEM
      ? options.checkServerIdentity?.('', certificate.toLegacyObject())
      : coded(code, certificate);
  if (problem !== undefined) throw notConnected(problem, place);
}

/** Node's types say Error; the value is the code's text, or an error that has one. */
function codeOf(reason: unknown): string | undefined {
  if (reason === null || reason === undefined) return undefined;
  const { code } = Object(reason) as { code?: unknown };
  if (typeof code === 'string') return code;
  return typeof reason === 'string' ? reason : 'ERR_TLS_CERT_UNKNOWN';
}

const coded = (code: string, certificate?: X509Certificate): Error =>
  Object.assign(new Error(code), { code, certificate });

/** TLS before the first byte of the protocol (TDS 8). */
export async function strictly(
  socket: Socket,
  options: ConnectionOptions,
  place: string,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const secure = connect({ ...options, socket, ALPNProtocols: [TDS_8] });
  try {
    await once(secure, 'secureConnect', { signal });
    return secure;
  } catch (error) {
    // a destroyed socket may still report the error it was destroyed with
    secure.on('error', () => undefined).destroy();
    signal.throwIfAborted();
    if (endsAtOnce(error)) throw notTds8(place);
    throw notConnected(error, place);
  }
}

const endsAtOnce = (error: unknown): boolean =>
  /ECONNRESET|EPROTO|WRONG_VERSION|NO_APPLICATION_PROTOCOL/.test(
    String((error as { code?: unknown }).code),
  );

const notTds8 = (place: string): NotConnectedError =>
  new NotConnectedError(
    `Not connected: ${place} does not begin with TLS, which TDS 8 requires. SQL Server 2022 and Azure SQL support it: set security: tls for an older one.`,
  );
