/** The built-in roles that watch, operate and build; each may what the one before may. */
const VIEWER = ['viewer', 'operator', 'engineer'] as const;
const OPERATOR = ['operator', 'engineer'] as const;
const ENGINEER = ['engineer'] as const;

/** Roles that every installation has, beside `administrator`, who may everything. */
export type BuiltInRole = (typeof VIEWER)[number] | 'auditor';

/**
 * What a person or a machine may be allowed to do, and the built-in roles that may. Names are API: they stand in
 * roles, in the OpenAPI document and in the audit log.
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
  'message.export': ENGINEER,
  'message.resend': OPERATOR,
  'message.edit_resend': ENGINEER,
  'message.send_test': ENGINEER,
  'message.bulk': ENGINEER,
  'deadletter.discard': OPERATOR,
  'alert.ack': OPERATOR,
  'alert.manage': ENGINEER,
  'event.view': [...VIEWER, 'auditor'],
  'audit.view': ['auditor'],
  'config.view': [...ENGINEER, 'auditor'],
  'config.deploy': ENGINEER,
  'connection.test': OPERATOR,
  'user.manage': [],
  'token.manage': [],
  'purge.manage': ENGINEER,
} as const satisfies Readonly<Record<string, readonly BuiltInRole[]>>;

export type Permission = keyof typeof GIVEN_TO;

export const PERMISSIONS = Object.keys(GIVEN_TO) as Permission[];

/** Who asks, and what they may. One a request, made by the sign-in. */
export interface Principal {
  /** Shown in the trace and the audit log. */
  readonly name: string;
  readonly roles: readonly string[];
  readonly permissions: ReadonlySet<Permission>;
  /** Hosts whose messages may be seen: ANDed into every query. `undefined` sees all. */
  readonly visibleHosts: readonly string[] | undefined;
  /** Whether bodies are shown as they are; otherwise they are masked on the server. */
  readonly unmasked: boolean;
  /** How they came in: `local`, `oidc`, `header`, `token`. */
  readonly via: string;
  /** Of Waybill's own, if one was shown. */
  readonly token?: number | undefined;
  /** Must come back as `x-csrf-token` with everything but a GET, where a browser signs in by itself (cookie, proxy). */
  readonly csrfToken?: string | undefined;
  /** Until the password is changed nothing else is allowed. */
  readonly mustChangePassword?: boolean | undefined;
}
