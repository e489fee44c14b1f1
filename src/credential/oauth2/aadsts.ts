/** What a refusal means and what to do about it. */
export interface Refusal {
  /** Begins in lower case, no full stop. */
  readonly cause: string;
  /** A sentence without a full stop. */
  readonly remedy: string;
  /** Whether the same request may succeed later without anybody doing anything. */
  readonly retryable?: true;
}

const REGISTRATION = 'in the Entra admin center under App registrations';
const CLOCK = 'Compare the clock of this machine with a time server';
const FEDERATED = `Compare it with the federated credential ${REGISTRATION} > Certificates & secrets`;
const BUSY = 'It is retried automatically; if it lasts, look at status.azure.com';

/**
 * The Entra error numbers that an application without a user meets in practice, from Microsoft's
 * list of AADSTS codes and from what support forums report. Unknown numbers are shown with Entra's
 * own text.
 */
export const AADSTS: ReadonlyMap<number, Refusal> = new Map<number, Refusal>([
  [
    7000215,
    {
      cause: 'the client secret is wrong',
      remedy: `Copy the secret's Value, not its Secret ID, ${REGISTRATION} > Certificates & secrets`,
    },
  ],
  [
    7000222,
    {
      cause: 'the client secret has expired',
      remedy: `Make a new one ${REGISTRATION} > Certificates & secrets`,
    },
  ],
  [
    7000216,
    {
      cause: 'neither a client secret nor an assertion was sent',
      remedy: 'Set authentication to secret, certificate or federatedToken',
    },
  ],
  [
    7000218,
    {
      cause: 'the application is registered as a confidential client, but no secret was sent',
      remedy: 'Set authentication to secret, certificate or federatedToken',
    },
  ],
  [
    700016,
    {
      cause: 'the tenant has no application with this client id',
      remedy: `Compare clientId and tenant with the Overview page ${REGISTRATION}; another tenant must consent first`,
    },
  ],
  [
    7000229,
    {
      cause: 'the application has no enterprise application (service principal) in this tenant',
      remedy: 'An administrator of the tenant must consent to the application once',
    },
  ],
  [
    7000112,
    {
      cause: 'the application is disabled in this tenant',
      remedy: 'Enable it in the Entra admin center under Enterprise applications > Properties',
    },
  ],
  [
    70001,
    {
      cause: 'the application is not known or is disabled in this tenant',
      remedy: `Compare clientId and tenant with the Overview page ${REGISTRATION}`,
    },
  ],
  [
    700027,
    {
      cause: 'the certificate is not registered with the application, or the key is not its key',
      remedy: `Upload this certificate ${REGISTRATION} > Certificates & secrets`,
    },
  ],
  [
    50012,
    {
      cause: 'the signature of the client assertion is not valid',
      remedy: `Upload the certificate in use ${REGISTRATION} > Certificates & secrets`,
    },
  ],
  [
    700024,
    {
      cause: 'the client assertion is not within its time: the clocks differ, or the token is old',
      remedy: CLOCK,
    },
  ],
  [
    700021,
    {
      cause: 'the assertion was made for another client id',
      remedy: 'Set clientId to the application that the assertion names',
    },
  ],
  [
    700023,
    {
      cause: 'the assertion names another audience than this tenant',
      remedy: 'Compare tenant and authority with the issuer of the assertion',
    },
  ],
  [
    70021,
    { cause: 'no federated credential of the application matches the token', remedy: FEDERATED },
  ],
  [
    700211,
    {
      cause: 'no federated credential of the application has the issuer of the token',
      remedy: FEDERATED,
    },
  ],
  [
    700212,
    {
      cause: 'no federated credential of the application has the audience of the token',
      remedy: `${FEDERATED}; usual is api://AzureADTokenExchange`,
    },
  ],
  [
    700213,
    {
      cause: 'no federated credential of the application has the subject of the token',
      remedy: FEDERATED,
    },
  ],
  [
    50027,
    {
      cause: 'the token that was sent as an assertion is not a valid JWT',
      remedy: 'Check what writes the federated token',
    },
  ],
  [
    90002,
    {
      cause: 'there is no tenant of this name in this cloud',
      remedy:
        'Compare tenant with the tenant id in the Entra admin center, and authority with its cloud',
    },
  ],
  [
    900023,
    { cause: 'the tenant is neither an id nor a domain', remedy: 'Set tenant to the tenant id' },
  ],
  [
    50059,
    { cause: 'the request names no tenant', remedy: 'Set tenant to the tenant id or a domain' },
  ],
  [50128, { cause: 'the domain belongs to no tenant', remedy: 'Set tenant to the tenant id' }],
  [
    50194,
    {
      cause: 'the application belongs to one tenant, but another was asked',
      remedy: 'Set tenant to the tenant of the application',
    },
  ],
  [
    500011,
    {
      cause: 'the resource named in scope is not known in this tenant',
      remedy: 'Correct scope (the resource before /.default), or have its application consented to',
    },
  ],
  [
    500014,
    {
      cause: 'the resource named in scope is disabled in this tenant',
      remedy: 'Enable it in the Entra admin center under Enterprise applications',
    },
  ],
  [
    501051,
    {
      cause: 'the application has no role at the resource, which requires one',
      remedy: 'Assign an app role of the resource to the application and consent to it',
    },
  ],
  [
    70011,
    {
      cause: 'the scope is not valid',
      remedy: 'Write scope as a resource followed by /.default',
    },
  ],
  [
    1002012,
    {
      cause: 'the scope does not end with /.default, as an application without a user needs',
      remedy: 'Write scope as a resource followed by /.default',
    },
  ],
  [
    65001,
    {
      cause: 'nobody has consented to the permissions of the application',
      remedy: `Grant admin consent ${REGISTRATION} > API permissions`,
    },
  ],
  [
    650057,
    {
      cause: 'the resource is not among the permissions of the application',
      remedy: `Add a permission of that resource ${REGISTRATION} > API permissions`,
    },
  ],
  [
    53003,
    {
      cause: 'a conditional access policy of the tenant blocks this application or this address',
      remedy:
        'Ask the administrators; the sign-in log of the enterprise application names the policy',
    },
  ],
  [
    70003,
    {
      cause: 'the application may not use client credentials',
      remedy: 'Register it as a confidential client in Entra ID, not in a B2C user flow',
    },
  ],
  [
    900144,
    {
      cause: 'the request lacks a parameter',
      remedy: 'Report this with the trace id: it should not happen',
    },
  ],
  [
    50196,
    {
      cause: 'the application asked for the same token too often and is blocked for some minutes',
      remedy: 'Look for other programs that use this client id without keeping their token',
      retryable: true,
    },
  ],
  [90033, { cause: 'Entra has a temporary fault', remedy: BUSY, retryable: true }],
  [90055, { cause: 'Entra limits the requests of this tenant', remedy: BUSY, retryable: true }],
  [90006, { cause: 'a service behind Entra has a temporary fault', remedy: BUSY, retryable: true }],
  [50000, { cause: 'Entra could not issue a token', remedy: BUSY, retryable: true }],
]);
