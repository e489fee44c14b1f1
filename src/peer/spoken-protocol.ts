import { asBuffer } from './as-buffer.ts';

/** A protocol that a port turned out to speak, and what to do if it is not the expected one. */
export interface SpokenProtocol {
  readonly name: 'TLS' | 'SSH' | 'HTTP' | 'SMTP' | 'FTP' | 'IMAP' | 'POP3' | 'SMTP or FTP';
  /** What was seen, to follow "the port". */
  readonly seen: string;
  readonly remedy: string;
}

const ANOTHER = 'Another service listens on this port: correct the host or the port';

const SIGNS: readonly (readonly [RegExp, SpokenProtocol])[] = [
  [/^SSH-/, { name: 'SSH', seen: 'is an SSH or SFTP server', remedy: ANOTHER }],
  [/^(HTTP\/|<!doctype|<html)/i, { name: 'HTTP', seen: 'is a web server', remedy: ANOTHER }],
  [
    /^(GET|POST|PUT|HEAD|OPTIONS|DELETE|CONNECT|PRI) \S+ HTTP\//,
    { name: 'HTTP', seen: 'is addressed as a web server', remedy: ANOTHER },
  ],
  [/^220[ -].*(SMTP|Postfix|Mail)/i, { name: 'SMTP', seen: 'is a mail server', remedy: ANOTHER }],
  [/^220[ -].*FTP/i, { name: 'FTP', seen: 'is an FTP server', remedy: ANOTHER }],
  [/^220[ -]/, { name: 'SMTP or FTP', seen: 'is a mail or FTP server', remedy: ANOTHER }],
  [/^\* (OK|BYE|PREAUTH)/, { name: 'IMAP', seen: 'is an IMAP server', remedy: ANOTHER }],
  [/^\+OK/, { name: 'POP3', seen: 'is a POP3 server', remedy: ANOTHER }],
];

const TLS: SpokenProtocol = {
  name: 'TLS',
  seen: 'speaks TLS',
  remedy: 'Add a tls block to the settings',
};
const ALERT = 0x15;
const HANDSHAKE = 0x16;

/** What the signs begin with: of most messages the first byte tells that none fits. */
const BEGINNINGS: ReadonlySet<number> = new Set(Buffer.from('SHh<GPODC2*+'));

/** Recognises a protocol by the first bytes a peer sent; undefined if they match none. */
export function spokenProtocol(first: Uint8Array): SpokenProtocol | undefined {
  const [kind = 0, major = 0, minor = 0] = first;
  if ((kind === ALERT || kind === HANDSHAKE) && major === 3 && minor <= 4) return TLS;
  if (!BEGINNINGS.has(kind)) return undefined;
  const text = asBuffer(first).toString('latin1', 0, 200);
  return SIGNS.find(([pattern]) => pattern.test(text))?.[1];
}
