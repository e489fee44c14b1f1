import { closed, Json, list, maybe, record, Time, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';

const Text = Type.String({ maxLength: 2_000 });
const KeyName = Type.String({ minLength: 1, maxLength: 200 });

export const TokenKeys = Type.Object({ keys: list(Type.String()) });
export type TokenKeys = Static<typeof TokenKeys>;

export const TokenQuestion = closed({
  token: Type.String({ maxLength: 64_000 }),
  key: maybe(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'A credential of kind jwt-key; without one, the token is only decoded.',
    }),
  ),
});
export type TokenQuestion = Static<typeof TokenQuestion>;

/** What a token says, and what each check of it found. */
export const TokenReport = Type.Object({
  header: maybe(record(Json)),
  claims: maybe(record(Json)),
  checks: list(
    Type.Object({
      check: word('form', 'algorithm', 'signature', 'expiry', 'start', 'issuer', 'audience'),
      result: word('passed', 'failed', 'skipped'),
      text: Type.String(),
    }),
  ),
  accepted: Type.Boolean({
    description: 'Whether a service that uses this key would take it.',
  }),
});
export type TokenReport = Static<typeof TokenReport>;

export const TokenOrder = closed({
  key: KeyName,
  claims: record(Json),
  subject: maybe(Text),
  audience: maybe(Text),
  issuer: maybe(Text),
  lifetime: maybe(
    Type.Integer({ minimum: 1_000, maximum: 86_400_000, description: 'Milliseconds.' }),
  ),
});
export type TokenOrder = Static<typeof TokenOrder>;

export const MadeToken = Type.Object({ token: Type.String() });
export type MadeToken = Static<typeof MadeToken>;

export const MaterialQuestion = closed({
  files: list(
    closed({
      name: Type.String({ minLength: 1, maxLength: 200 }),
      content: Type.String({ maxLength: 400_000, description: 'Base64.' }),
    }),
    { maxItems: 10 },
  ),
  passphrase: maybe(
    Type.String({ maxLength: 1_000, description: 'Opens what is encrypted; never kept.' }),
  ),
});
export type MaterialQuestion = Static<typeof MaterialQuestion>;

/** What files of certificates and keys are, without anything secret. */
export const Material = Type.Object({
  items: list(
    Type.Object({
      file: Type.String(),
      form: Type.String({ description: 'What it is written in: PEM, DER, PKCS#12, JWK, OpenSSH.' }),
      kind: word(
        'certificate',
        'private key',
        'public key',
        'encrypted key',
        'secret key',
        'other',
      ),
      type: maybe(Type.String({ description: 'Of the key: RSA 3072 bit, EC P-256, Ed25519.' })),
      weak: maybe(Type.String()),
      publicFingerprint: maybe(Type.String({ description: 'SHA-256 of the public key.' })),
      note: maybe(Type.String()),
      certificate: maybe(
        Type.Object({
          subject: Type.String(),
          issuer: Type.String(),
          names: list(Type.String()),
          notBefore: Time,
          notAfter: Time,
          fingerprint: Type.String({ description: 'SHA-256.' }),
          serial: Type.String(),
          authority: Type.Boolean(),
          selfSigned: Type.Boolean(),
          usage: list(Type.String()),
        }),
      ),
    }),
  ),
  notes: list(Type.String(), { description: 'How they belong together; full sentences.' }),
});
export type Material = Static<typeof Material>;
