import type { SmartValues } from '../smart-settings.ts';

/** The addresses of the authorization server: of this service itself, if it is the server. */
export function smartAddresses(smart: SmartValues, base: string): SmartValues {
  if (smart.server === undefined) return smart;
  const at = (name: string): URL => new URL(`${base}/auth/${name}`);
  const { server } = smart;
  const asksPeople = server.clients.some((one) => one?.backend === false && !one.introspects);
  return {
    ...smart,
    tokenEndpoint: at('token'),
    authorizationEndpoint: asksPeople ? at('authorize') : undefined,
    issuer: new URL(base),
    jwks: at('jwks.json'),
    introspectionEndpoint: at('introspect'),
    revocationEndpoint: at('revoke'),
  };
}

const href = (url: URL | undefined): string | undefined => url?.href;

/** What applications read at `.well-known/smart-configuration`. */
export function smartConfiguration(smart: SmartValues): object {
  const hasLaunch = smart.authorizationEndpoint !== undefined;
  return {
    issuer: smart.issuer?.href.replace(/\/$/, ''),
    jwks_uri: href(smart.jwks),
    authorization_endpoint: href(smart.authorizationEndpoint),
    token_endpoint: href(smart.tokenEndpoint),
    introspection_endpoint: href(smart.introspectionEndpoint),
    revocation_endpoint: href(smart.revocationEndpoint),
    grant_types_supported: [...(hasLaunch ? ['authorization_code'] : []), 'client_credentials'],
    token_endpoint_auth_methods_supported: [
      'private_key_jwt',
      ...(smart.server === undefined ? [] : ['client_secret_basic', 'client_secret_post']),
    ],
    token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: [
      ...(smart.issuer === undefined ? [] : ['openid', 'fhirUser']),
      ...(hasLaunch
        ? ['launch', 'launch/patient', 'offline_access', 'patient/*.rs', 'user/*.cruds']
        : []),
      'system/*.cruds',
    ],
    capabilities: smart.capabilities.length > 0 ? smart.capabilities : capabilities(smart),
  };
}

function capabilities({ authorizationEndpoint, issuer, server }: SmartValues): readonly string[] {
  const launch = ['launch-standalone', 'client-public', 'context-standalone-patient'];
  return [
    ...(authorizationEndpoint === undefined
      ? []
      : [...launch, 'permission-patient', 'permission-offline']),
    ...(authorizationEndpoint === undefined || issuer === undefined ? [] : ['sso-openid-connect']),
    ...(server?.launchKey === undefined
      ? []
      : ['launch-ehr', 'context-ehr-patient', 'context-ehr-encounter']),
    ...(server === undefined ? [] : ['client-confidential-symmetric']),
    'client-confidential-asymmetric',
    'permission-user',
    'permission-v1',
    'permission-v2',
  ];
}

/** What a CapabilityStatement says of SMART. */
export const smartSecurity = ({ authorizationEndpoint, tokenEndpoint }: SmartValues): object => ({
  extension: [
    {
      url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
      extension: [
        ...(tokenEndpoint === undefined ? [] : [{ url: 'token', valueUri: tokenEndpoint.href }]),
        ...(authorizationEndpoint === undefined
          ? []
          : [{ url: 'authorize', valueUri: authorizationEndpoint.href }]),
      ],
    },
  ],
  service: [
    {
      coding: [
        {
          system: 'http://terminology.hl7.org/CodeSystem/restful-security-service',
          code: 'SMART-on-FHIR',
        },
      ],
    },
  ],
});
