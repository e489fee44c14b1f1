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
    help: 'Cipher suites in OpenSSL notation, where a security policy asks for some.',
    example: 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384',
    advanced: true,
  }),
);

const crl = optional(
  path({
    help: 'File with the revocation lists (PEM) of every authority in the chain. An expired list refuses every certificate, so it is watched and read again when it changes.',
    advanced: true,
  }),
);

const serverFields = {
  certificate: credential({
    help: 'The certificate this listener shows: a credential of kind certificate. It is read again when its files change, without a restart.',
    example: 'hub-server',
    kinds: ['certificate'],
  }),
  clientCertificate: choice(
    {
      none: 'Clients show no certificate',
      requested: 'A certificate is checked if the client shows one',
      required: 'A client without a valid certificate is refused',
    },
    { help: 'Whether clients must show a certificate (mutual TLS).', default: 'none' },
  ),
  trust: optional(
    path({
      help: 'File with the certificates (PEM) of the authorities that sign client certificates.',
      example: 'tls/senders-ca.pem',
    }),
  ),
  allow: list(allowedName, {
    help: 'Which clients may connect, by a name in their certificate or its fingerprint. Empty allows each that the trusted authorities signed.',
    example: '["CN=epic.example"]',
  }),
  crl,
  minimum,
  ciphers,
};

/** The values of a `tls` block of an adapter that listens. */
export type TlsServerSettings = ValuesOf<typeof serverFields>;

/** The `tls` block of an adapter that listens. Left out, the adapter speaks plain text. */
export function tlsServer(): Setting<
  TlsServerSettings | undefined,
  SettingsOf<typeof serverFields> | undefined
> {
  const block = group(serverFields, {
    help: 'Encrypts the connection. Left out, everything is sent in plain text.',
  });
  return checked(block, (value) => {
    if (value === undefined) return [];
    const mutual = value.clientCertificate !== 'none';
    if (mutual && value.trust === undefined) {
      return [
        {
          path: ['trust'],
          problem: `is required when clientCertificate is ${value.clientCertificate}: name the file of the authorities that sign your clients`,
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
      help: 'File with the certificates (PEM) of the authorities to trust, or of the peer itself where it is self-signed. Left out, the well-known public authorities are trusted.',
      example: 'tls/ca.pem',
    }),
  ),
  certificate: optional(
    credential({
      help: 'The certificate to show to a peer that asks for one (mutual TLS): a credential of kind certificate.',
      kinds: ['certificate'],
    }),
  ),
  serverName: optional(
    text({
      help: "The name to ask for and to expect in the peer's certificate, where it differs from the address.",
      advanced: true,
    }),
  ),
  verifyName: flag({
    help: "Whether the peer's certificate must be for the name connected to. If not, say in allow which certificate it must be.",
    default: true,
    advanced: true,
  }),
  allow: list(allowedName, {
    help: "Names or fingerprints of which the peer's certificate must carry one. Empty allows each that is valid for the name.",
    advanced: true,
  }),
  crl,
  minimum,
  ciphers,
};

/** The values of a `tls` block of an adapter that connects. */
export type TlsClientSettings = ValuesOf<typeof clientFields>;

/** The `tls` block of an adapter that connects. `help` says what it means to leave it out. */
export function tlsClient(
  help = 'Encrypts the connection. Left out, everything is sent in plain text.',
): Setting<TlsClientSettings | undefined, SettingsOf<typeof clientFields> | undefined> {
  const block = group(clientFields, { help });
  return checked(block, (value) =>
    value === undefined || value.verifyName || value.allow.length > 0
      ? []
      : [
          {
            path: ['allow'],
            problem:
              "must name the peer's certificate (a name or its SHA256 fingerprint) when verifyName is false, or any certificate of the trusted authorities would do",
          },
        ],
  );
}

/** A setting with one more rule over its whole value. */
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
