import { expect, test } from 'vitest';
import { readCredential } from '../../../src/credential/kind/credential-kinds.ts';

const context = {
  path: (text: string) => text,
  template: () => ({ ok: false as const, problems: [] }),
  expression: () => ({ ok: false as const, problems: [] }),
  unknown: () => undefined,
  unfit: (name: string) => (name === 'own' ? undefined : `no credential is named ${name}`),
};

const ENTRA = {
  provider: 'entra',
  tenant: 'hospital.example',
  clientId: 'c',
  scope: 'https://graph.microsoft.com/.default',
  authentication: { secret: 's' },
};
const GENERIC = {
  clientId: 'c',
  tokenUrl: 'https://sso.example/token',
  authentication: { secret: 's' },
};

function problemsOf(values: object): string[] {
  const read = readCredential({ kind: 'oauth2', values: { ...values } }, context);
  return read.ok ? [] : read.problems.map(({ path, problem }) => `${path.join('.')} ${problem}`);
}

test.for([ENTRA, GENERIC, { ...ENTRA, authentication: { certificate: 'own' } }])(
  '%j is a credential',
  (values) => {
    expect(problemsOf(values)).toEqual([]);
  },
);

test.for([
  [{ ...ENTRA, tenant: undefined }, 'tenant is required for Entra: the id of the tenant'],
  [{ ...ENTRA, tenant: 'common' }, 'tenant must be one tenant, not common: give its id or domain'],
  [{ ...ENTRA, scope: 'Mail.Send' }, 'scope must be one resource followed by /.default'],
  [{ ...ENTRA, issuer: 'https://a.example' }, 'issuer is for provider generic only'],
  [{ ...ENTRA, authority: 'http://localhost' }, 'authority must be an https address'],
  [{ ...ENTRA, authentication: { mutualTls: 'own' } }, 'does not work with provider entra'],
  [{ ...ENTRA, authentication: { federatedToken: {} } }, 'needs either file or environment'],
  [{ ...ENTRA, authentication: {} }, 'authentication needs one of secret, certificate'],
  [{ ...GENERIC, tokenUrl: undefined }, 'issuer is required, or tokenUrl'],
  [{ ...GENERIC, tenant: 't' }, 'tenant is for provider entra only'],
  [{ ...GENERIC, tokenUrl: 'http://sso.example/token' }, 'tokenUrl must be an https address'],
  [{ ...GENERIC, authentication: undefined }, 'authentication is required, with one of secret'],
  [
    { ...GENERIC, authentication: { secret: 's', mutualTls: 'own' } },
    'authentication has secret and mutualTls; keep one',
  ],
  [
    { ...GENERIC, authentication: { mutualTls: 'other' } },
    'authentication.mutualTls no credential is named other',
  ],
  [
    { ...GENERIC, authentication: { privateKeyJwt: { key: '-----BEGIN x', audience: 'issuer' } } },
    'issuer is required when the assertion names the issuer',
  ],
  [{ ...GENERIC, timeout: 'soon' }, 'timeout must be a duration'],
] as const)('%j is refused', ([values, text]) => {
  expect(problemsOf(values).join('\n')).toContain(text);
});

test('http on loopback is allowed, for a server beside the engine', () => {
  expect(problemsOf({ ...GENERIC, tokenUrl: 'http://localhost:8080/token' })).toEqual([]);
});
