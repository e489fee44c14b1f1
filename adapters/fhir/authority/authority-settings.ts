import { type SettingsFault, setting } from 'waybill/adapter';
import { proxies } from 'waybill/peer/http-server';
import {
  directoryFaults,
  directorySettings,
  providerFaults,
  providerSettings,
} from 'waybill/peer/sign-in';

const client = {
  id: setting.text({ help: 'The id of the application (client_id).', example: 'growth-chart' }),
  title: setting.optional(
    setting.text({ help: 'What people read when they are asked to let it in.' }),
  ),
  redirects: setting.list(setting.url({ help: 'An address.' }), {
    help: 'Where browsers are sent back to; it must be written exactly so in a request.',
    example: '["https://growth.example/app"]',
  }),
  scopes: setting.list(setting.text({ help: 'A scope.' }), {
    help: 'The most that it gets, in words of SMART 1 or 2; a wider request is narrowed to these.',
    example: '["launch", "launch/patient", "patient/*.rs", "openid", "fhirUser", "offline_access"]',
  }),
  secret: setting.optional(
    setting.credential({
      help: 'The secret of a confidential application: a credential of kind bearer.',
      kinds: ['bearer'],
    }),
  ),
  key: setting.optional(
    setting.credential({
      help: 'The public keys of an application that signs its sign-in (private_key_jwt): a credential of kind jwt-key with jwksUrl or publicKey.',
      kinds: ['jwt-key'],
    }),
  ),
  backend: setting.flag({
    help: 'Whether it is a backend service, which gets tokens for itself (client credentials), with scopes of system/. It needs key or secret.',
    default: false,
  }),
  introspects: setting.flag({
    help: 'Whether it may ask about tokens (RFC 7662): another resource server. It needs key or secret.',
    default: false,
    advanced: true,
  }),
};

const fields = {
  key: setting.credential({
    help: 'What signs access and identity tokens: a credential of kind jwt-key with a private key, such as RS256.',
    kinds: ['jwt-key'],
    example: 'smart-key',
  }),
  clients: setting.list(
    setting.group(client, { help: 'An application. One without secret and key is public.' }),
    { help: 'The applications that may ask for tokens.' },
  ),
  users: setting.optional(
    setting.lookup({
      help: 'The code table with the people: as users under signIn of http-in. Their claim scope has the user/ scopes that they may give, fhirUser their resource, patient the patients that they may choose.',
      example: 'staff',
    }),
  ),
  ldap: directorySettings,
  oidc: providerSettings,
  patientFrom: setting.text({
    help: "The claim of a person with the id of the patient, or the ids, that an application may be launched for without an EHR: a patient's own record, or those in their care. Who chooses sees the ids, or names where an entry is { id, name }.",
    default: 'patient',
    advanced: true,
  }),
  launchKey: setting.optional(
    setting.credential({
      help: 'What signs the launch tokens of an EHR: a credential of kind jwt-key. The claims patient, encounter and sub (who launched it, if told) are the context; a rule or transform makes one by jwt.sign.',
      kinds: ['jwt-key'],
      example: 'launch-key',
    }),
  ),
  accessLifetime: setting.duration({
    help: 'How long an access token is valid; one that is revoked is refused at once.',
    default: '10m',
  }),
  idle: setting.duration({
    help: 'For how long a refresh token (offline_access) may be used; each use gives the next one.',
    default: '30d',
  }),
  grace: setting.duration({
    help: 'For how long after its use a refresh token gives the same next one, for lost answers. Later it revokes all tokens of its application and person, as it was stolen.',
    default: '10s',
    advanced: true,
  }),
  absolute: setting.duration({
    help: 'After which time a person has to let the application in again.',
    default: '90d',
  }),
  proxies,
};

export const authoritySettings = setting.group(fields, {
  help: 'This service is the authorization server itself: people sign in and let applications in, standalone or launched by an EHR; backend services get tokens with their keys. It needs publicUrl.',
});

export type AuthorityValues = setting.ValuesOf<typeof fields>;
export type AuthorityClient = setting.ValuesOf<typeof client>;

/** What is wrong with the settings beyond their shape. */
export function authorityFaults(
  values: AuthorityValues | undefined,
  publicUrl: URL | undefined,
): SettingsFault[] {
  if (values === undefined) return [];
  const faults: SettingsFault[] = directoryFaults(values.ldap).map((one) => ({
    ...one,
    path: ['smart', 'server', ...one.path.slice(1)],
  }));
  faults.push(...providerFaults(values.oidc, ['smart', 'server', 'oidc']));
  const fault: Fault = (path, what, remedy) => {
    faults.push({ path: ['smart', 'server', ...path], what, remedy });
  };
  if (publicUrl === undefined) {
    const remedy =
      'Write the base address as applications know it, such as https://hub.example/fhir.';
    faults.push({ path: ['publicUrl'], what: 'an authorization server needs one address', remedy });
  }
  const asksPeople = values.clients.some((one) => one?.backend === false && !one.introspects);
  const { users, ldap, oidc } = values;
  if (asksPeople && users === undefined && ldap === undefined && oidc === undefined) {
    fault(['users'], 'nothing says who the people are', 'Set users, ldap or oidc.');
  }
  if (values.launchKey === values.key) {
    const remedy = 'Make a key of its own for launches.';
    fault(['launchKey'], 'whoever has an access token could launch with it', remedy);
  }
  clientFaults(values, fault);
  return faults;
}

type Fault = (path: readonly string[], what: string, remedy: string) => void;

function clientFaults({ clients }: AuthorityValues, fault: Fault): void {
  for (const [at, one] of clients.entries()) {
    if (one === undefined) continue;
    const { id, secret, key, redirects } = one;
    const asksPeople = !one.backend && !one.introspects;
    if (!asksPeople && secret === undefined && key === undefined) {
      fault(['clients', String(at)], `${id} cannot prove who it is`, 'Set key or secret.');
    }
    if (asksPeople && redirects.length === 0) {
      const what = `${id} has nowhere to send browsers back to`;
      fault(['clients', String(at), 'redirects'], what, 'Name its address.');
    }
    if (clients.findIndex((other) => other?.id === id) !== at) {
      fault(['clients', String(at), 'id'], `${id} is there twice`, 'Give each its own id.');
    }
  }
}
