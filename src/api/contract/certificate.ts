import { closed, list, Time, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';

const Name = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'The credential of kind certificate; it need not exist yet.',
});
const KeyType = word('P-256', 'RSA');
const Files = Type.Object(
  { certificate: Type.String(), key: Type.String() },
  { description: 'Below the production’s folder.' },
);

export const KeyOrder = closed({
  name: Name,
  commonName: Type.String({ minLength: 1, maxLength: 64 }),
  names: list(Type.String({ minLength: 1, maxLength: 255 }), {
    maxItems: 100,
    description: 'DNS:a.example, URI:urn:x, IP:127.0.0.1.',
  }),
  keys: KeyType,
});
export type KeyOrder = Static<typeof KeyOrder>;

/** A key that waits for its certificate, without the key. */
export const WaitingKey = Type.Object({
  name: Name,
  commonName: Type.String(),
  names: list(Type.String()),
  keys: KeyType,
  request: Type.String({ description: 'PKCS#10, PEM: for the authority.' }),
  since: Time,
  files: Files,
  isNew: Type.Boolean({ description: 'There is no such credential in the production yet.' }),
});
export type WaitingKey = Static<typeof WaitingKey>;

export const WaitingKeys = Type.Object({ keys: list(WaitingKey) });
export type WaitingKeys = Static<typeof WaitingKeys>;

export const CertificateUpload = closed({
  certificate: Type.String({
    minLength: 1,
    maxLength: 200_000,
    description: 'The certificate and its intermediates, PEM, in any order.',
  }),
});

export const TakenCertificate = Type.Object({
  subject: Type.String(),
  names: list(Type.String()),
  notAfter: Time,
  notes: list(Type.String(), { description: 'What is odd about it; full sentences.' }),
  files: Files,
  isNew: Type.Boolean(),
});
export type TakenCertificate = Static<typeof TakenCertificate>;

export const NamedKey = closed({ name: Name });
