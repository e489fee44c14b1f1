import type { SettingProblem } from '../../adapter/setting.ts';
import type { OAuth2Values } from './oauth2-settings.ts';

type Name = keyof OAuth2Values;

const ENTRA_ONLY: readonly Name[] = ['tenant'];
const GENERIC_ONLY: readonly Name[] = ['issuer', 'tokenUrl', 'audience'];
const WAYS = {
  entra: ['secret', 'certificate', 'federatedToken'],
  generic: ['secret', 'privateKeyJwt', 'mutualTls'],
} as const;
const MANY_TENANTS = new Set(['common', 'organizations', 'consumers']);

/** Problems between the settings, after each was read on its own. */
export function oauth2Problems(values: OAuth2Values): SettingProblem[] {
  const wrong = values.provider === 'entra' ? entraProblems(values) : genericProblems(values);
  return [
    ...wrong,
    ...grantProblems(values),
    ...authenticationProblems(values),
    ...addressProblems(values),
  ];
}

const at = (path: string | readonly string[], problem: string): SettingProblem => ({
  path: typeof path === 'string' ? [path] : path,
  problem,
});

function entraProblems({ tenant, scope, ...values }: OAuth2Values): SettingProblem[] {
  const problems = GENERIC_ONLY.filter((name) => values[name as 'issuer'] !== undefined).map(
    (name) => at(name, 'is for provider generic only; remove it'),
  );
  if (values.resource.length > 0) {
    problems.push(at('resource', 'is for provider generic; Entra takes it as scope'));
  }
  if (tenant === undefined)
    problems.push(at('tenant', 'is required for Entra: the id of the tenant'));
  else if (MANY_TENANTS.has(tenant)) {
    problems.push(at('tenant', `must be one tenant, not ${tenant}: give its id or domain`));
  }
  if (scope === undefined) {
    problems.push(
      at('scope', 'is required for Entra, such as https://graph.microsoft.com/.default'),
    );
  } else if (!/^\S+\/\.default$/.test(scope)) {
    const why = 'must be one resource followed by /.default';
    problems.push(at('scope', `${why}; single permissions are granted in the app registration`));
  }
  return problems;
}

function genericProblems(values: OAuth2Values): SettingProblem[] {
  const problems = ENTRA_ONLY.filter((name) => values[name] !== undefined).map((name) =>
    at(name, 'is for provider entra only; remove it'),
  );
  const { issuer, tokenUrl } = values;
  if (issuer === undefined && tokenUrl === undefined) {
    problems.push(at('issuer', 'is required, or tokenUrl: where the token comes from'));
  }
  if (values.authentication?.privateKeyJwt?.audience === 'issuer' && issuer === undefined) {
    problems.push(at('issuer', 'is required when the assertion names the issuer as its audience'));
  }
  return problems;
}

function grantProblems({
  grant,
  provider,
  authentication,
  subject,
}: OAuth2Values): SettingProblem[] {
  if (grant !== 'jwt-bearer') {
    return subject === undefined ? [] : [at('subject', 'is for grant jwt-bearer only; remove it')];
  }
  if (provider === 'entra') return [at('grant', 'jwt-bearer is for provider generic only')];
  return authentication?.privateKeyJwt === undefined
    ? [at(['authentication', 'privateKeyJwt'], 'is required with grant jwt-bearer: its key signs')]
    : [];
}

/** With `jwt-bearer` the key makes the grant, and a secret or certificate may additionally prove the client. */
const isSecondProof = ({ grant }: OAuth2Values, given: readonly string[]): boolean =>
  grant === 'jwt-bearer' && given.length === 2 && given.includes('privateKeyJwt');

function authenticationProblems(values: OAuth2Values): SettingProblem[] {
  const { provider, authentication } = values;
  const ways: readonly string[] = WAYS[provider];
  const one = `one of ${ways.join(', ')}`;
  if (authentication === undefined) return [at('authentication', `is required, with ${one}`)];
  const given = Object.entries(authentication)
    .filter(([name, value]) => name !== 'secretIn' && value !== undefined)
    .map(([name]) => name);
  const foreign = given.filter((name) => !ways.includes(name));
  const problems = foreign.map((name) =>
    at(['authentication', name], `does not work with provider ${provider}; use ${one}`),
  );
  if (given.length > 1 && !isSecondProof(values, given))
    problems.push(at('authentication', `has ${given.join(' and ')}; keep one`));
  if (given.length === 0) problems.push(at('authentication', `needs ${one}`));
  const { federatedToken } = authentication;
  if (
    federatedToken !== undefined &&
    (federatedToken.file === undefined) === (federatedToken.environment === undefined)
  ) {
    problems.push(at(['authentication', 'federatedToken'], 'needs either file or environment'));
  }
  return problems;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Secrets are sent to these addresses: only loopback may be without TLS. */
function addressProblems({
  authority,
  issuer,
  tokenUrl,
  provider,
}: OAuth2Values): SettingProblem[] {
  return Object.entries({ authority, issuer, tokenUrl }).flatMap(([name, url]) => {
    if (url === undefined || url.protocol === 'https:') return [];
    const local = url.protocol === 'http:' && LOOPBACK.has(url.hostname);
    return local && provider === 'generic' ? [] : [at(name, 'must be an https address')];
  });
}
