import { createHash, generateKeyPairSync } from 'node:crypto';

/** What a browser answers when it makes a passkey (WebAuthn), with an id of one's own choice: no attestation, ES256. */
export function softPasskey(
  id: Buffer,
  { challenge, origin }: { readonly challenge: string; readonly origin: string },
): object {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  // a COSE key: kty EC2, alg ES256, crv P-256, x, y
  const cose = Buffer.concat([
    Buffer.from('a5010203262001215820', 'hex'),
    bytes(x),
    Buffer.from('225820', 'hex'),
    bytes(y),
  ]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(id.length);
  const authData = Buffer.concat([
    createHash('sha256').update(new URL(origin).hostname).digest(),
    // present, verified, with a credential; counter 0; no model
    Buffer.from([0x45, 0, 0, 0, 0]),
    Buffer.alloc(16),
    length,
    id,
    cose,
  ]);
  const told = Buffer.alloc(2);
  told.writeUInt16BE(authData.length);
  const attestation = Buffer.concat([
    Buffer.from('a3', 'hex'),
    text('fmt'),
    text('none'),
    text('attStmt'),
    Buffer.from('a0', 'hex'),
    text('authData'),
    Buffer.from('59', 'hex'),
    told,
    authData,
  ]);
  const client = JSON.stringify({ type: 'webauthn.create', challenge, origin, crossOrigin: false });
  return {
    id: id.toString('base64url'),
    rawId: id.toString('base64url'),
    type: 'public-key',
    clientExtensionResults: {},
    response: {
      clientDataJSON: Buffer.from(client).toString('base64url'),
      attestationObject: attestation.toString('base64url'),
      transports: ['usb'],
    },
  };
}

const bytes = (base64url: string): Buffer => Buffer.from(base64url, 'base64url');

/** A short text in CBOR. */
const text = (value: string): Buffer =>
  Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)]);
