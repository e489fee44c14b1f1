import { createHash, randomBytes } from 'node:crypto';
import { escaped } from '../xml.ts';

const OASIS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';
/** The elements of WS-Security 1.0 and 1.1. */
export const SECURITY = `${OASIS}-wssecurity-secext-1.0.xsd`;
const USERNAME = `${OASIS}-username-token-profile-1.0`;
const PASSWORD_TEXT = `${USERNAME}#PasswordText`;
export const PASSWORD_DIGEST = `${USERNAME}#PasswordDigest`;
export const BASE64 = `${OASIS}-soap-message-security-1.0#Base64Binary`;
export const X509 = `${OASIS}-x509-token-profile-1.0#X509v3`;

/** Username token profile §3.1: Base64(SHA-1(nonce + created + password)). */
export const passwordDigest = (nonce: Uint8Array, created: string, password: string): string =>
  createHash('sha1').update(nonce).update(created).update(password, 'utf8').digest('base64');

interface Account {
  readonly user: string;
  readonly password: string;
}

interface TokenForm {
  readonly proof: 'text' | 'digest';
  readonly created: string;
  readonly id: string;
}

/** A token for one message. The text form has nonce and time as well, by which a receiver recognises a repetition. */
export function usernameToken(
  { user, password }: Account,
  { proof, created, id }: TokenForm,
): string {
  const nonce = randomBytes(16);
  const [type, value] =
    proof === 'digest'
      ? [PASSWORD_DIGEST, passwordDigest(nonce, created, password)]
      : [PASSWORD_TEXT, password];
  return [
    `<wsse:UsernameToken wsu:Id="${id}">`,
    `<wsse:Username>${escaped(user)}</wsse:Username>`,
    `<wsse:Password Type="${type}">${escaped(value)}</wsse:Password>`,
    `<wsse:Nonce EncodingType="${BASE64}">${nonce.toString('base64')}</wsse:Nonce>`,
    `<wsu:Created>${created}</wsu:Created>`,
    '</wsse:UsernameToken>',
  ].join('');
}
