import { randomUUID } from 'node:crypto';

/** A refusal in Entra's wording; the text after the number is Microsoft's. */
export interface EntraRefusal {
  readonly status: number;
  readonly error: string;
  readonly number: number;
  readonly text: string;
}

type Refuse = (about: Readonly<Record<string, string>>) => Omit<EntraRefusal, 'number'>;

const client =
  (text: Refuse | string): Refuse =>
  (about) => ({
    status: 401,
    error: 'invalid_client',
    text: typeof text === 'string' ? text : text(about).text,
  });
const bad = (error: string, text: string): ReturnType<Refuse> => ({ status: 400, error, text });

const REFUSALS = {
  50027: client('JWT token is invalid or malformed.'),
  70003: ({ grant }) =>
    bad('unsupported_grant_type', `The app requested an unsupported grant type '${grant}'.`),
  90002: ({ tenant }) =>
    bad(
      'invalid_request',
      `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
    ),
  90055: () => ({
    status: 429,
    error: 'temporarily_unavailable',
    text: 'There are too many incoming requests.',
  }),
  500011: ({ resource, tenant }) =>
    bad(
      'invalid_resource',
      `The resource principal named ${resource} was not found in the tenant named ${tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.`,
    ),
  700016: ({ clientId, tenant }) =>
    bad(
      'unauthorized_client',
      `Application with identifier '${clientId}' was not found in the directory '${tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
    ),
  700021: client(
    "Client assertion application identifier doesn't match 'client_id' parameter. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
  ),
  700023: client(
    'Client assertion audience claim does not match Realm issuer. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .',
  ),
  700024: client(({ now, from, until }) =>
    bad(
      '',
      `Client assertion is not within its valid time range. Current time: ${now}, assertion valid from ${from}, expiry time of assertion ${until}. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .`,
    ),
  ),
  700027: client(({ thumbprint, reason }) =>
    bad(
      '',
      `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - ${reason}, Thumbprint of key used by client: '${thumbprint}', Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id.]`,
    ),
  ),
  700211: ({ issuer }) =>
    bad(
      'invalid_client',
      `No matching federated identity record found for presented assertion issuer '${issuer}'. Please note that the matching is done using a case-sensitive comparison.`,
    ),
  700212: ({ audience }) =>
    bad(
      'invalid_client',
      `No matching federated identity record found for presented assertion audience '${audience}'. Please note that the matching is done using a case-sensitive comparison.`,
    ),
  700213: ({ subject }) =>
    bad(
      'invalid_client',
      `No matching federated identity record found for presented assertion subject '${subject}'. Please note that the matching is done using a case-sensitive comparison.`,
    ),
  900144: ({ parameter }) =>
    bad(
      'invalid_request',
      `The request body must contain the following parameter: '${parameter}'.`,
    ),
  1002012: ({ scope }) =>
    bad(
      'invalid_scope',
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    ),
  7000112: ({ clientId, name }) =>
    bad('unauthorized_client', `Application '${clientId}'(${name}) is disabled.`),
  7000215: client(({ clientId }) =>
    bad(
      '',
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`,
    ),
  ),
  7000216: client(
    "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
  ),
  7000222: client(({ clientId }) =>
    bad(
      '',
      `The provided client secret keys for app '${clientId}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.`,
    ),
  ),
} satisfies Readonly<Record<number, Refuse>>;

/** The refusal with a number, with its placeholders filled. */
export function entraRefusal(
  number: keyof typeof REFUSALS,
  about: Readonly<Record<string, string>> = {},
): EntraRefusal {
  const refuse: Refuse = REFUSALS[number];
  return { number, ...refuse(about) };
}

/** The body of a refusal. The correlation id is the client's, if it sent one. */
export function refusalBody(
  { error, number, text }: EntraRefusal,
  correlation: string | undefined,
  now: number,
): object {
  const trace = randomUUID();
  const correlated = correlation ?? randomUUID();
  const timestamp = `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return {
    error,
    error_description: `AADSTS${number}: ${text} Trace ID: ${trace} Correlation ID: ${correlated} Timestamp: ${timestamp}`,
    error_codes: [number],
    timestamp,
    trace_id: trace,
    correlation_id: correlated,
    error_uri: `https://login.microsoftonline.com/error?code=${number}`,
  };
}
