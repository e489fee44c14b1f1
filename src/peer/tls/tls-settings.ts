import {
  choice,
  credential,
  flag,
  group,
  list,
  optional,
  path,
  type Setting,
  type SettingProblem,
  type SettingsOf,
  text,
  type ValuesOf,
} from '../../adapter/setting.ts';
import { allowedName } from './allowed-name.ts';

const minimum = choice(
  { 'TLSv1.2': 'TLS 1.2 or 1.3', 'TLSv1.3': 'Only TLS 1.3' },
  { help: 'The oldest protocol version that is accepted.', default: 'TLSv1.2', advanced: true },
);

const ciphers = optional(
  text({
    help: 'Cipher suites in OpenSSL notation, if a security policy prescribes them.',
    example: 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384',
    advanced: true,
  }),
);

const crl = optional(
  path({
    help: 'File with the revocation lists (PEM) of every authority in the chain. With an expired list every certificate is refused, so it is watched and read again when it changes.',
    advanced: true,
  }),
);

const serverFields = {
  certificate: credential({
    help: 'The certificate of this listener: a credential of kind certificate. It is read again when its files change, without a restart.',
    example: 'hub-server',
    kinds: ['certificate'],
  }),
  clientCertificate: choice(
    {
      none: 'Clients need no certificate',
      requested: 'A certificate is checked if the client sends one',
      required: 'A client without a valid certificate is refused',
    },
    { help: 'Whether clients must send a certificate (mutual TLS).', default: 'none' },
  ),
  trust: optional(
    path({
      help: 'File with the certificates (PEM) of the authorities that sign client certificates.',
      example: 'tls/senders-ca.pem',
    }),
  ),
  allow: list(allowedName, {
    help: 'Which clients may connect, by a name in their certificate or its fingerprint. If empty, every certificate signed by the trusted authorities is allowed.',
    example: '["CN=epic.example"]',
  }),
  crl,
  minimum,
  ciphers,
};

/** The values of a `tls` block of an adapter that listens. */
export type TlsServerSettings = ValuesOf<typeof serverFields>;

/** The `tls` block of an adapter that listens. If left out, the adapter speaks plain text. */
export function tlsServer(): Setting<
  TlsServerSettings | undefined,
  SettingsOf<typeof serverFields> | undefined
> {
  const block = group(serverFields, {
    help: 'Encrypts the connection. If left out, everything is sent in plain text.',
  });
  return checked(block, (value) => {
    if (value === undefined) return [];
    const mutual = value.clientCertificate !== 'none';
    if (mutual && value.trust === undefined) {
      return [
        {
          path: ['trust'],
          problem: `is required when clientCertificate is ${value.clientCertificate}: name the file of the authorities that sign your clients' certificates`,
        },
      ];
    }
    return mutual || value.allow.length === 0
      ? []
      : [
          {
            path: ['allow'],
            problem: 'has no effect without client certificates: set clientCertificate: required',
          },
        ];
  });
}

const clientFields = {
  trust: optional(
    path({
      help: 'File with the certificates (PEM) of the authorities to trust, or of the peer itself if it is self-signed. If left out, the well-known public authorities are trusted.',
      example: 'tls/ca.pem',
    }),
  ),
  certificate: optional(
    credential({
      help: 'The certificate to send to a peer that asks for one (mutual TLS): a credential of kind certificate.',
      kinds: ['certificate'],
    }),
  ),
  serverName: optional(
    text({
      help: "The name to ask for and to expect in the peer's certificate, if it differs from the address.",
      advanced: true,
    }),
  ),
  verifyName: flag({
    help: "Whether the peer's certificate must be for the name connected to. If false, set in allow which certificate it must be.",
    default: true,
    advanced: true,
  }),
  allow: list(allowedName, {
    help: "Names or fingerprints, one of which the peer's certificate must have. If empty, every certificate that is valid for the name is allowed.",
    advanced: true,
  }),
  crl,
  minimum,
  ciphers,
};

/** The values of a `tls` block of an adapter that connects. */
export type TlsClientSettings = ValuesOf<typeof clientFields>;

/** The meaning of a `tls` block that is left out, where there is always TLS: the public authorities, and the name connected to. */
export const PUBLIC_TLS: TlsClientSettings = {
  trust: undefined,
  certificate: undefined,
  serverName: undefined,
  verifyName: true,
  allow: [],
  crl: undefined,
  minimum: 'TLSv1.2',
  ciphers: undefined,
};

/** The `tls` block of an adapter that connects. `help` says what happens if it is left out. */
export function tlsClient(
  help = 'Encrypts the connection. If left out, everything is sent in plain text.',
): Setting<TlsClientSettings | undefined, SettingsOf<typeof clientFields> | undefined> {
  const block = group(clientFields, { help });
  return checked(block, (value) =>
    value === undefined || value.verifyName || value.allow.length > 0
      ? []
      : [
          {
            path: ['allow'],
            problem:
              "must name the peer's certificate (a name or its SHA256 fingerprint) when verifyName is false, or any certificate from the trusted authorities would be accepted",
          },
        ],
  );
}

/** A setting with one more rule about its whole value. */
function checked<Value, Given>(
  setting: Setting<Value, Given>,
  check: (value: Value) => readonly SettingProblem[],
): Setting<Value, Given> {
  return {
    ...setting,
    read: (given, context) => {
      const read = setting.read(given, context);
      const problems = read.ok ? check(read.value) : [];
      return problems.length > 0 ? { ok: false, problems } : read;
    },
  };
}
