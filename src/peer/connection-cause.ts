import type { X509Certificate } from 'node:crypto';
import { certificateFacts, dateText, printable } from '../adapter/certificate-facts.ts';

/** Why a connection could not be made or was lost, in words a support desk understands. */
export interface ConnectionCause {
  /** Begins in lower case, names the peer where that helps, has no full stop. */
  readonly cause: string;
  /** What to do about it: a sentence without a full stop. */
  readonly remedy: string;
  /** Whether the TLS handshake or a certificate is at fault. */
  readonly tls: boolean;
}

type Explain = (place: string, error: Error) => readonly [cause: string, remedy: string];

/** What is loaded with the first message that needs it. */
const MISSING: Explain = (place) => [
  `the connection to ${place} was not tried, since a file of this program is missing`,
  'The program was replaced or removed while it runs: start the engine again',
];

/** What the error of `fetch` for such a port says; it has no code. */
const BAD_PORT = 'bad port';

const NETWORK: Readonly<Record<string, Explain>> = {
  ENOTFOUND: (place) => [
    `the name service does not know the name of ${place}`,
    'Check the spelling of the host and the DNS server of this machine',
  ],
  EAI_AGAIN: (place) => [
    `the name service did not answer for ${place}`,
    'Check the DNS servers of this machine',
  ],
  ECONNREFUSED: (place) => [
    `nothing listens on ${place}`,
    'Check the port, and that the peer is running; a firewall may also refuse',
  ],
  ETIMEDOUT: (place) => [
    `${place} did not answer in time`,
    'Check the address, whether a firewall drops the packets, and whether the peer takes connections but hangs',
  ],
  EHOSTUNREACH: (place) => [
    `there is no route to ${place}`,
    'Check the address, the VPN and the network of this machine',
  ],
  ENETUNREACH: (place) => [
    `the network of ${place} cannot be reached`,
    'Check the address, the VPN and the network of this machine',
  ],
  ECONNRESET: (place) => [
    `${place} closed the connection`,
    'Look at the log of the peer: it may allow only known addresses, or expect TLS',
  ],
  EPIPE: (place) => [
    `${place} closed the connection while we were writing to it`,
    'Look at the log of the peer',
  ],
  EADDRINUSE: (place) => [
    `another program already listens on ${place}`,
    'Choose another port, or stop that program',
  ],
  EADDRNOTAVAIL: (place) => [
    `${place} is not an address of this machine`,
    'Listen on 0.0.0.0 or on an address of this machine',
  ],
  EACCES: (place) => [
    `this process is not allowed to open ${place}`,
    'Choose a port above 1023, or give the process the right to use it',
  ],
  [BAD_PORT]: (place) => [
    `the connection to ${place} was not tried: its port is one of those that web clients never connect to, since other protocols have them`,
    'Give the peer another port, or put a reverse proxy before it; WHATWG Fetch lists these ports as "bad ports"',
  ],
  MODULE_NOT_FOUND: MISSING,
  ERR_MODULE_NOT_FOUND: MISSING,
};

const AUTHORITY: Explain = (place, error) => [
  `the certificate of ${place}${issuerOf(error)} is signed by an authority that is not trusted here`,
  "Put the authority's certificate into the file named by trust; if it is there, the peer must also send its intermediate certificates",
];

const SELF_SIGNED: Explain = (place) => [
  `the certificate of ${place} is self-signed and not trusted here`,
  "Put the peer's certificate (or its authority's) into the file named by trust",
];

const CERTIFICATE: Readonly<Record<string, Explain>> = {
  UNABLE_TO_GET_ISSUER_CERT: AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: AUTHORITY,
  CERT_UNTRUSTED: AUTHORITY,
  CERT_SIGNATURE_FAILURE: AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: SELF_SIGNED,
  CERT_HAS_EXPIRED: (place, error) => [
    `the certificate of ${place} has expired${expiryOf(error)}`,
    'Ask the owner for a renewed certificate, and check the clock of this machine',
  ],
  CERT_NOT_YET_VALID: (place, error) => [
    `the certificate of ${place} is not valid yet${startOf(error)}`,
    'Check the clocks of both machines',
  ],
  CERT_REVOKED: (place) => [
    `the certificate of ${place} has been revoked by its authority`,
    'The peer needs a new certificate',
  ],
  CRL_HAS_EXPIRED: () => [
    'the revocation list named by crl is out of date, so no certificate can be accepted',
    "Fetch the authority's current revocation list",
  ],
  CRL_NOT_YET_VALID: () => [
    'the revocation list named by crl is not valid yet',
    'Check the clock of this machine',
  ],
  UNABLE_TO_GET_CRL: (place, error) =>
    isSelfSigned(error)
      ? SELF_SIGNED(place, error)
      : [
          `the file named by crl has no revocation list for the authority of ${place}`,
          'Add the list of every authority in the chain to the file',
        ],
  INVALID_PURPOSE: (place) => [
    `the certificate of ${place} was not issued for this purpose (its extended key usage)`,
    'Ask for a certificate for server authentication (a peer that listens) or client authentication (one that connects)',
  ],
  UNSPECIFIED: (place) => [
    `the certificate of ${place} breaks a rule of its chain, such as the names that an authority is limited to`,
    'Try openssl verify -CAfile with the files of trust and -untrusted with the intermediates: it names the rule',
  ],
  PATH_LENGTH_EXCEEDED: (place) => [
    `the certificate of ${place} has more authorities above it than one of them allows (pathlen)`,
    'Ask its authority for a certificate of a shorter chain',
  ],
  INVALID_CA: (place) => [
    `the certificate of ${place} is signed by a certificate that is no authority (CA:TRUE is missing)`,
    'Have it signed by the authority itself',
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: (place, error) => [
    `the certificate of ${place} is for other names${namesOf(error)}`,
    'Connect to a name that is in the certificate, or set serverName to one of them',
  ],
  HOSTNAME_MISMATCH: (place, error) => [
    `the certificate of ${place} is for other names${namesOf(error)}`,
    'Connect to a name that is in the certificate, or set serverName to one of them',
  ],
  WAYBILL_NOT_ALLOWED: (place, error) => [
    `the certificate of ${place}${subjectOf(error)} is not on the list of allowed names`,
    'Add its name or fingerprint to allow if this peer may connect',
  ],
};

const IN_CLEAR =
  /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|RECORD_TOO_SMALL|UNKNOWN_PROTOCOL$/;

/** Whether a TLS handshake met a peer that speaks plain text. */
export function answersInClear(error: unknown): boolean {
  return error instanceof Error && IN_CLEAR.test(codeOf(error));
}

/**
 * Codes of OpenSSL errors and of alerts from the peer; matched in this order, since their spelling
 * differs between versions.
 */
const HANDSHAKE: readonly (readonly [RegExp, Explain])[] = [
  [
    IN_CLEAR,
    (place) => [
      `${place} does not speak TLS on this port`,
      'Remove tls from the settings, or use the port on which the peer speaks TLS',
    ],
  ],
  [
    /CERTIFICATE_REQUIRED|PEER_DID_NOT_RETURN_A_CERTIFICATE/,
    (place) => [
      `${place} asks for a client certificate and none was sent`,
      'Set certificate under tls to the certificate agreed with the peer',
    ],
  ],
  [
    /ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_UNKNOWN|ACCESS_DENIED|DECRYPT_ERROR)/,
    (place) => [
      `${place} refused our certificate`,
      'Send the certificate that was agreed with the peer, and ask what its log says',
    ],
  ],
  [
    /ALERT_CERTIFICATE_EXPIRED/,
    (place) => [`${place} says that our certificate has expired`, 'Renew our certificate'],
  ],
  [
    /ALERT_CERTIFICATE_REVOKED/,
    (place) => [`${place} says that our certificate has been revoked`, 'Renew our certificate'],
  ],
  [
    /ALERT_UNKNOWN_CA/,
    (place) => [
      `${place} does not trust the authority of our certificate`,
      "Give the peer our authority's certificate, and send our intermediate certificates with ours",
    ],
  ],
  [
    /ALERT_UNRECOGNIZED_NAME/,
    (place) => [`${place} does not know the name we asked for`, 'Set serverName to its name'],
  ],
  [
    /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW/,
    (place) => [
      `${place} and this host have no TLS version in common`,
      'The peer must offer TLS 1.2 or newer; look at minimum',
    ],
  ],
  [
    /NO_SHARED_CIPHER|HANDSHAKE_FAILURE|INSUFFICIENT_SECURITY|NO_CIPHER/,
    (place) => [
      `${place} and this host have no cipher in common, or it asks for a client certificate`,
      'Look at ciphers and certificate under tls, and at the log of the peer',
    ],
  ],
  [
    /HANDSHAKE_TIMEOUT/,
    (place) => [
      `${place} did not finish the TLS handshake in time`,
      'It may not speak TLS on this port: remove tls from the settings or use another port',
    ],
  ],
  [
    /ERR_SSL_|EPROTO/,
    (place, error) => [
      `the TLS handshake with ${place} failed (${codeOf(error)})`,
      'Look at the log of the peer',
    ],
  ],
];

/**
 * Explains node's error on a connection to `place` (`host:port`, or a peer's address). Never
 * contains the text of a foreign error, which could include what the peer sent.
 */
export function connectionCause(error: unknown, place: string): ConnectionCause {
  const known = error instanceof Error ? error : new Error('unknown');
  const code = codeOf(known);
  const certificate = CERTIFICATE[code];
  const handshake = certificate ?? HANDSHAKE.find(([pattern]) => pattern.test(code))?.[1];
  const explain = handshake ?? NETWORK[code];
  const [cause, remedy] = explain?.(place, known) ?? [
    `the connection to ${place} failed (${code})`,
    'Look at the log of the peer',
  ];
  return { cause, remedy, tls: handshake !== undefined };
}

/** The code of the error, or of the first one if node tried several addresses of a name. */
function codeOf(error: Error): string {
  const { code, errors } = error as { code?: unknown; errors?: readonly Error[] };
  if (typeof code === 'string' && code !== '') return code;
  const [first] = errors ?? [];
  if (error.message === BAD_PORT) return BAD_PORT;
  return first === undefined ? error.name : codeOf(first);
}

function certificateOf(error: Error): X509Certificate | undefined {
  return (error as { certificate?: X509Certificate }).certificate;
}

const issuerOf = (error: Error): string => {
  const certificate = certificateOf(error);
  return certificate === undefined ? '' : ` (issued by ${certificateFacts(certificate).issuer})`;
};

const subjectOf = (error: Error): string => {
  const certificate = certificateOf(error);
  return certificate === undefined ? '' : ` (${certificateFacts(certificate).subject})`;
};

/** It has no authority, so no list is missing. */
function isSelfSigned(error: Error): boolean {
  const certificate = certificateOf(error);
  return certificate !== undefined && certificate.subject === certificate.issuer;
}

const startOf = (error: Error): string => {
  const certificate = certificateOf(error);
  return certificate === undefined
    ? ''
    : `, but from ${dateText(certificateFacts(certificate).notBefore)} on`;
};

const expiryOf = (error: Error): string => {
  const certificate = certificateOf(error);
  return certificate === undefined ? '' : ` on ${dateText(certificateFacts(certificate).notAfter)}`;
};

const namesOf = (error: Error): string => {
  const { cert } = error as { cert?: { subjectaltname?: string } };
  const certificate = certificateOf(error);
  const names =
    certificate === undefined
      ? (cert?.subjectaltname ?? '')
      : certificateFacts(certificate).names.join(', ');
  return names === '' ? '' : ` (${printable(names)})`;
};
