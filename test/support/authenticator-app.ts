import { codeAt, stepAt } from '../../src/access/sign-in/factor/totp.ts';
import type { Visitor } from './visitor.ts';

/** What `GET /me/second-factor` answers. */
export interface OwnFactors {
  readonly allowed: boolean;
  readonly required: boolean;
  readonly codesLeft: number;
  readonly passkeys: readonly { readonly id: string }[];
  readonly obstacle?: string;
}

/** The bytes of a base32 text. */
export function fromBase32(text: string): Buffer {
  const bits = text
    .split('')
    .map((one) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(one).toString(2).padStart(5, '0'));
  const bytes = bits.join('').match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((one) => Number.parseInt(one, 2)));
}

/** The codes that a right clock would show next, which were not used for setting it up. */
export function codesOf(secret: Buffer): string[] {
  return [codeAt(secret, stepAt(Date.now()) + 1)];
}

/** Sets an app up in somebody's session. */
export async function setUpApp(
  somebody: Visitor,
  password: string,
): Promise<{ readonly secret: Buffer; readonly codes: readonly string[] }> {
  const start = await somebody.ask<{ secret: string; ticket: string }>(
    'POST',
    '/api/v1/me/second-factor/totp',
    { password },
  );
  const { secret: text, ticket } = start.body;
  const secret = fromBase32(text);
  const added = await somebody.ask<{ codes: string[] }>(
    'POST',
    '/api/v1/me/second-factor/totp/confirm',
    { ticket, code: codeAt(secret, stepAt(Date.now())) },
  );
  if (added.status !== 200) throw new Error(JSON.stringify([start.body, added.body]));
  return { secret, codes: added.body.codes };
}
