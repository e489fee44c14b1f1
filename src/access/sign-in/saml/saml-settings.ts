import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { methodFor } from '../../../document/xml/signature/algorithms.ts';
import { milliseconds } from '../../../time/duration.ts';
import type { IdentityMapping, SamlFile } from '../console-schema.ts';
import { idpMetadata } from './idp-metadata.ts';
import { SamlProblem } from './saml-problem.ts';

/** An entry of `saml` in `console.yaml` with all defaults filled in. */
export interface SamlSettings extends IdentityMapping {
  readonly name: string;
  readonly title: string;
  /** An address, or the absolute path of a file. */
  readonly metadata: string;
  /** File (PEM) with the authorities to trust for that address; the public ones if left out. */
  readonly trust: string | undefined;
  /** Our name at the provider; undefined takes the address of our own metadata. */
  readonly entityId: string | undefined;
  /** Files of the certificate and key with which requests are signed. */
  readonly signing: { readonly certificate: string; readonly key: string } | undefined;
  /** Milliseconds by which clocks may differ. */
  readonly clockSkew: number;
  /** Whether people may begin at the provider. */
  readonly fromProvider: boolean;
}

const CLOCK_SKEW = 60_000;
const MOST_SKEW = 10 * 60_000;

export const isAddress = (metadata: string): boolean => /^https?:\/\//.test(metadata);

export function samlSettings(written: SamlFile, folder: string): SamlSettings {
  const { name, title = name, metadata, trust, entityId, certificate, key, clockSkew } = written;
  const { user, rolesFrom, roles, everybody, scope, fromProvider = false } = written;
  return {
    name,
    title,
    metadata: isAddress(metadata) ? metadata : resolve(folder, metadata),
    trust: trust === undefined ? undefined : resolve(folder, trust),
    entityId,
    signing:
      certificate === undefined || key === undefined
        ? undefined
        : { certificate: resolve(folder, certificate), key: resolve(folder, key) },
    clockSkew: (clockSkew === undefined ? undefined : milliseconds(clockSkew)) ?? CLOCK_SKEW,
    fromProvider,
    user,
    rolesFrom,
    roles,
    everybody,
    scope,
  };
}

/** The key that signs our requests, with its certificate in base64. */
export interface OwnKey {
  readonly key: KeyObject;
  readonly certificate: string;
  readonly algorithm: string;
}

/** Reads it now, so that a renewed one is used. Throws a SamlProblem that names the file. */
export function ownKey({ signing }: Pick<SamlSettings, 'signing'>): OwnKey | undefined {
  if (signing === undefined) return undefined;
  try {
    const key = createPrivateKey(readFileSync(signing.key));
    const certificate = new X509Certificate(readFileSync(signing.certificate));
    const algorithm = methodFor(key);
    if (algorithm !== undefined && certificate.checkPrivateKey(key)) {
      return { key, certificate: certificate.raw.toString('base64'), algorithm };
    }
  } catch {
    // node's own errors about a missing or unreadable file: said below
  }
  throw new SamlProblem(
    `${signing.certificate} and ${signing.key} are not a certificate and its RSA or elliptic key`,
    'put PEM files there that belong together',
  );
}

/** What is wrong with one entry of `saml` beyond its shape, each with its key. */
export function samlProblems(written: SamlFile, folder: string): string[] {
  const { metadata, certificate, key, clockSkew } = written;
  const skew = clockSkew === undefined ? CLOCK_SKEW : (milliseconds(clockSkew) ?? CLOCK_SKEW);
  return [
    ...((certificate === undefined) === (key === undefined)
      ? problemOf('certificate', () => ownKey(samlSettings(written, folder)))
      : ['certificate: certificate and key belong together']),
    ...(skew > MOST_SKEW ? ['clockSkew: at most 10m; rather set the clocks'] : []),
    ...metadataProblems(metadata, resolve(folder, metadata)),
  ];
}

function metadataProblems(metadata: string, file: string): string[] {
  if (isAddress(metadata)) {
    return /^http:\/\/(?!localhost|127\.|\[::1\])/.test(metadata)
      ? ['metadata: write https://, since the keys in it decide who gets in']
      : [];
  }
  if (!existsSync(file)) return [`metadata: there is no file ${metadata}`];
  return problemOf('metadata', () => idpMetadata(readFileSync(file, 'utf8')));
}

function problemOf(path: string, check: () => unknown): string[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof SamlProblem)) throw error;
    return [`${path}: ${error.message}; ${error.remedy}`];
  }
}
