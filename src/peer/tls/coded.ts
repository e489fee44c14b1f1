import type { X509Certificate } from 'node:crypto';

/** The reason for a refusal in the form that `connectionCause` explains: node's code, and the certificate. */
export function coded(code: string, certificate: X509Certificate | undefined): Error {
  return Object.assign(new Error(code), { code, certificate });
}
