import { setting } from 'waybill/adapter';
import { proxies, type RoutePattern, routePatternOf } from 'waybill/peer/http-server';
import { directorySettings, providerSettings } from 'waybill/peer/sign-in';
import { smartSettings } from './smart/smart-settings.ts';

const REALM = /^[A-Za-z0-9_-]{1,40}$/;

const realm: setting.Setting<string, string> = {
  kind: 'text',
  help: 'Services with the same realm share their sign-ins: whoever signs out of one is out of all. Default: the name of the service.',
  example: 'portal',
  read: (given) =>
    typeof given === 'string' && REALM.test(given)
      ? setting.good(given)
      : setting.bad('must be up to 40 letters, digits, _ or -'),
};

const base: setting.Setting<string, string> = {
  kind: 'text',
  help: 'Below which path people sign in: login, refresh, logout, revoke, me and jwks.json.',
  example: '/auth',
  default: '/auth',
  read: (given) =>
    typeof given === 'string' && /^(\/[\w.-]+)*$/.test(given)
      ? setting.good(given)
      : setting.bad('must be a literal path such as /auth'),
};

const lifetimes = {
  accessLifetime: setting.duration({
    help: 'How long an access token is valid. A signed-out one is refused at once by this service, and for that long not by others who accept the key.',
    default: '10m',
  }),
  idle: setting.duration({
    help: 'For how long a refresh token may be used; each use gives the next one.',
    default: '8h',
  }),
  absolute: setting.duration({
    help: 'After which time everybody has to sign in again.',
    default: '12h',
  }),
  grace: setting.duration({
    help: 'For how long after its use a refresh token gives the same next one, for lost answers and several tabs. Later it ends the sign-in, as it was stolen.',
    default: '10s',
    advanced: true,
  }),
};

const cookies = {
  cookies: setting.choice(
    {
      none: 'Both tokens are in the answer, for programs',
      refresh:
        'The refresh token is in a cookie that scripts cannot read, the access token in the answer',
      both: 'Both are in such cookies; add cookie:<realm>_access to from of the callers',
    },
    { help: 'Where the tokens are given to a browser.', default: 'none' },
  ),
  sameSite: setting.choice(
    {
      strict: 'Only with requests from pages of the same site',
      lax: 'Also when somebody follows a link to here',
      none: 'Also with requests from pages of other sites, which have to be listed under cors',
    },
    { help: 'With which requests a browser sends the cookies.', default: 'strict' },
  ),
  secureCookies: setting.flag({
    help: 'Whether browsers send the cookies over TLS only. Switch it off for a test without TLS.',
    default: true,
    advanced: true,
  }),
};

const fields = {
  path: base,
  users: setting.optional(
    setting.lookup({
      help: 'The code table with the users: a name, and the hash of the password (`waybill user hash`) or a JSON object with password, other claims, and disabled: true for those who may not sign in. It may be a file, an SQL query or a directory.',
      example: 'staff',
    }),
  ),
  ldap: directorySettings,
  oidc: providerSettings,
  smart: smartSettings,
  key: setting.credential({
    help: 'What signs the access tokens: a credential of kind jwt-key with a private key. Callers of kind bearer with this verifier are those who signed in here.',
    kinds: ['jwt-key'],
    example: 'portal-key',
  }),
  realm: setting.optional(realm),
  publicUrl: setting.optional(
    setting.url({
      help: 'The address at which browsers reach this service, if there is a proxy in front; its path is that under which the proxy shows it. Default: the one that was asked, at its root.',
      example: 'https://portal.hospital.example/wards/',
    }),
  ),
  ...lifetimes,
  ...cookies,
  proxies,
};

export const signInSettings = setting.group(fields, {
  help: 'Signs in users of this service: by name and password of a code table or a directory, at an OpenID Connect provider, or launched from an EHR. It gives short access tokens (JWT), refresh tokens that are used once, and sign-out, durable and the same for every engine.',
});

export type SignInValues = setting.ValuesOf<typeof fields>;

/** Whose sign-ins those of a service are. */
export const realmOf = ({ realm: own }: Pick<SignInValues, 'realm'>, service: string): string =>
  own ?? service;

/** The actions, each with the last part of its path. */
const ALWAYS = {
  refresh: 'POST refresh',
  logout: 'POST logout',
  revoke: 'POST revoke',
  me: 'GET me',
  jwks: 'GET jwks.json',
} as const;

const WITH_PASSWORDS = { login: 'POST login' } as const;

/** `begin` and `callback` are pages of a browser, `signedOut` is asked by the provider. */
const WITH_PROVIDER = {
  begin: 'GET login',
  callback: 'GET callback',
  signedOut: 'POST backchannel-logout',
} as const;

/** `launch` and `launched` are pages of a browser. */
const WITH_EHRS = {
  launch: 'GET launch',
  launched: 'GET launched',
  clientKeys: 'GET smart-jwks.json',
} as const;

/** Below which last part of the path requests go to the EHR. */
export const FHIR_PATH = 'fhir';

const FHIR_ROUTES = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].flatMap((method) =>
  ['', '/*'].map((rest) => ['fhir', `${method} ${FHIR_PATH}${rest}`] as const),
);

export type SignInAction =
  | 'fhir'
  | keyof typeof WITH_EHRS
  | keyof typeof ALWAYS
  | keyof typeof WITH_PASSWORDS
  | keyof typeof WITH_PROVIDER;

/** Whether a person in a browser reads the answer. */
export const isPage = (action: SignInAction | undefined): boolean =>
  action === 'begin' || action === 'callback' || action === 'launch' || action === 'launched';

/** What a service with these settings answers besides its operations. */
export function signInOperations({
  path,
  users,
  ldap,
  oidc,
  smart,
}: Pick<SignInValues, 'path' | 'users' | 'ldap' | 'oidc' | 'smart'>): readonly {
  readonly action: SignInAction;
  readonly method: string;
  readonly pattern: RoutePattern;
}[] {
  const all: Readonly<Record<string, string>> = {
    ...ALWAYS,
    ...((users !== undefined || ldap !== undefined) && WITH_PASSWORDS),
    ...(oidc !== undefined && WITH_PROVIDER),
    ...(smart !== undefined && WITH_EHRS),
  };
  const routes = [...Object.entries(all), ...(smart === undefined ? [] : FHIR_ROUTES)];
  return routes.map(([action, written]) => {
    const [method = '', last = ''] = written.split(' ');
    const pattern = routePatternOf(`${path}/${last}`);
    if (typeof pattern === 'string') throw new TypeError(pattern);
    return { action: action as SignInAction, method, pattern };
  });
}
