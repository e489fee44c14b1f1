/** The built-in roles for watching, operating and building; each includes the one before. */
const VIEWER = ['viewer', 'operator', 'engineer'] as const;
const OPERATOR = ['operator', 'engineer'] as const;
const ENGINEER = ['engineer'] as const;

/** Roles that every installation has besides `administrator`, which may do everything. */
export type BuiltInRole = (typeof VIEWER)[number] | 'auditor';

/**
 * What a person or a machine may be allowed to do, and the built-in roles that include it. The names are part
 * of the API: roles, the OpenAPI document and the audit log use them.
 */
export const GIVEN_TO = {
  'dashboard.view': [...VIEWER, 'auditor'],
  'production.view': VIEWER,
  'host.control': OPERATOR,
  'host.settings.override': ENGINEER,
  'queue.view': VIEWER,
  'queue.abort': OPERATOR,
  'message.search': VIEWER,
  'message.content': OPERATOR,
  'message.content.unmasked': ENGINEER,
  /** See patient data unmasked in an emergency: with a reason, for a time, told to others. */
  'message.emergency': OPERATOR,
  'message.export': ENGINEER,
  'message.resend': OPERATOR,
  'message.edit_resend': ENGINEER,
  'message.send_test': ENGINEER,
  'message.bulk': OPERATOR,
  /** More at once than `bulkLimit` of `console.yaml`. */
  'message.bulk_unlimited': ENGINEER,
  'deadletter.discard': OPERATOR,
  'alert.ack': OPERATOR,
  /** Write notes for those who come after, on hosts, alerts and messages. */
  'note.write': OPERATOR,
  'alert.manage': ENGINEER,
  'event.view': [...VIEWER, 'auditor'],
  'audit.view': ['auditor'],
  'config.view': [...ENGINEER, 'auditor'],
  /** Change files of the production in the console. */
  'config.edit': ENGINEER,
  'config.deploy': ENGINEER,
  'connection.test': OPERATOR,
  /** Make a token with a key of the production: whoever has it is taken for the production. */
  'credential.sign': ENGINEER,
  /** Make private keys on the machine, and exchange certificates: whoever has the key is taken for the production. */
  'credential.manage': [],
  'user.manage': [],
  'token.manage': [],
  'purge.manage': ENGINEER,
} as const satisfies Readonly<Record<string, readonly BuiltInRole[]>>;

export type Permission = keyof typeof GIVEN_TO;

export const PERMISSIONS = Object.keys(GIVEN_TO) as Permission[];

/** What somebody's roles allow in the productions that the console shows. */
export interface Grants {
  readonly scope: readonly string[];
  /** In one production; without a name, in every one of them. */
  permissionsIn(production?: string): ReadonlySet<Permission>;
}

/** Who makes a request, and what they may do. Made by the sign-in for each request. */
export interface Principal {
  /** Shown in the trace and the audit log. */
  readonly name: string;
  readonly roles: readonly string[];
  readonly permissions: ReadonlySet<Permission>;
  /** Hosts whose messages may be seen: ANDed into every query. `undefined` sees all. */
  readonly visibleHosts: readonly string[] | undefined;
  /** Whether bodies are shown unmasked; otherwise they are masked on the server. */
  readonly unmasked: boolean;
  /** Set while they see patient data only because of an emergency. */
  readonly emergency?: { readonly until: number; readonly reason: string } | undefined;
  /** How they signed in: `local`, `oidc`, `header`, `token`. */
  readonly via: string;
  /** The id of the Waybill token that was used, if any. */
  readonly token?: number | undefined;
  /**
   * Must be sent back as `x-csrf-token` with everything but a GET, if the credentials are sent
   * automatically (cookie, proxy).
   */
  readonly csrfToken?: string | undefined;
  /** For other productions; undefined if they only have rights here. */
  readonly grants?: Grants | undefined;
  /** Nothing else is allowed until the password is changed. */
  readonly mustChangePassword?: boolean | undefined;
  /** Nothing else is allowed until a second factor is set up. */
  readonly mustAddFactor?: boolean | undefined;
}
