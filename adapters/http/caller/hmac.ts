import { createHmac } from 'node:crypto';
import { type Proof, REALM, type Scheme } from './caller.ts';
import type { CallerValues } from './caller-settings.ts';
import { isSameSecret } from './same-secret.ts';
import type { NamedSecret } from './schemes.ts';

/** Callers who sign the body with a shared key, as webhooks do. */
export function hmacScheme(
  values: CallerValues,
  secrets: () => Promise<readonly NamedSecret[]>,
): Scheme {
  const header = values.signatureHeader.toLowerCase();
  return {
    name: values.scheme,
    kind: 'hmac',
    sources: [],
    async prove({ headers }, body) {
      const shown = headers[header]?.toString().trim();
      if (shown === undefined || shown === '') return { result: 'none' };
      const time =
        values.timestampHeader && headers[values.timestampHeader.toLowerCase()]?.toString();
      const stale =
        values.timestampHeader === undefined ? undefined : staleness(time, values.tolerance);
      if (stale !== undefined) return { result: 'wrong', reason: stale };
      const signed = time ? Buffer.concat([Buffer.from(`${time}.`), await body()]) : await body();
      return verdict(shown, signed, { values, known: await secrets() });
    },
    challenge: () => `Signature ${REALM}`,
  };
}

function staleness(time: string | undefined, tolerance: number): string | undefined {
  if (time === undefined) return 'the time of the signature is missing';
  const at = /^\d+$/.test(time) ? Number(time) * 1_000 : Date.parse(time);
  return Math.abs(Date.now() - at) <= tolerance
    ? undefined
    : 'the signature is too old or from the future';
}

function verdict(
  shown: string,
  signed: Buffer,
  { values, known }: { readonly values: CallerValues; readonly known: readonly NamedSecret[] },
): Proof {
  const value = shown.replace(/^sha256=/i, '');
  const encoding = /^[0-9a-f]{64}$/i.test(value) ? 'hex' : 'base64';
  const given = Buffer.from(value, encoding);
  const signer = known.find(({ secret }) =>
    isSameSecret(createHmac('sha256', secret).update(signed).digest(), given),
  );
  if (signer === undefined) {
    return {
      result: 'wrong',
      reason: 'the signature is not that of this body with a key that is known',
    };
  }
  const scopes = new Set(values.grants);
  // of the bytes and not as it was written: case and encoding are anybody's to change
  return {
    result: 'proven',
    caller: { name: signer.name, scopes, signature: given.toString('hex') },
  };
}
